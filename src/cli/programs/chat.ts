import { Command, Option } from 'commander';
import { UsageError } from '../../errors.js';
import type { ChatFlags } from '../commands/chat.js';
import { addDecodingOptions } from '../decoding-options.js';
import {
  addEngineOption,
  addModelOptions,
  addRuntimeOptions,
  answerErrors,
  colorOption,
} from '../options.js';
import { addTemplateOptions } from '../template-options.js';

/** Tokens of a conversation unless --ctx-size says otherwise: what a model was trained on may not fit into memory. */
export const CHAT_CONTEXT = 8192;

const EXAMPLES = `
A message is a line, or several that are pasted, or between """ and """, or as long as lines end in a backslash. Of these,
only a line can be a command.
Ctrl-C stops the answer; Ctrl-D or /bye ends the conversation; /help lists the commands. From a pipe, each line is a
message.

Examples:
  mtad chat --pair llama-3.1-8b
  mtad chat -m llama-8b-q4.gguf -d llama-1b-q4.gguf -s "Answer in one sentence." "Why is the sky blue?"
  mtad chat --load yesterday.json`;

/** The command line of `mtad chat`. Parsing loads no model and no native library. */
export function createChatProgram(): Command {
  const program = new Command('mtad chat')
    .usage('[options] [message...]')
    .description(
      'Talk with a model that was trained for it. Both models keep the conversation in their caches: only what is new is read.',
    )
    .argument('[message...]', 'the first message')
    .action(async (words: string[], flags: ChatFlags, command: Command) => {
      if (flags.load !== undefined && command.getOptionValueSource('system') === 'cli')
        throw new UsageError('--load brings its own system text: leave --system out, or use /system');
      const { runChat } = await import('../commands/chat.js');
      const message = { text: words.join(' '), isQuoted: command.getOptionValue('isLiteral') };
      process.exitCode = await runChat(message, flags);
    });
  answerErrors(program, '(mtad chat --help lists the options)');

  addModelOptions(program);

  program.optionsGroup('Conversation:');
  program
    .option('-s, --system <text>', 'what the model is told before the conversation')
    .addOption(
      new Option(
        '--load <file>',
        'go on with a conversation that /save wrote, and its system text',
      ).conflicts('system'),
    )
    .option('--hide-reasoning', 'only the answer of a model that reasons first');
  addTemplateOptions(program);

  program.optionsGroup('Decoding:');
  addDecodingOptions(program);

  program.optionsGroup('Runtime:');
  addEngineOption(program);
  addRuntimeOptions(program, `what the target was trained on, up to ${CHAT_CONTEXT}`);

  program.optionsGroup('Output:');
  program
    .option('--stats', 'a line of figures after each answer, on standard error (default: on a terminal)')
    .option('--no-stats', 'no figures')
    .addOption(colorOption())
    .option('-q, --quiet', 'no progress, no warnings, no figures')
    .option('-v, --verbose', "llama.cpp's log, and errors in full");
  program.addHelpText('after', EXAMPLES);
  return program;
}
