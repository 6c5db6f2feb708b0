import { Command, Option } from 'commander';
import { UsageError } from '../../errors.js';
import type { Conversation, ConversationOptions } from '../../generation/conversation.js';
import { modelsOf, withDraftSource } from '../../generation/draft-source.js';
import type { ContextPolicy } from '../../generation/fitting-turns.js';
import { parseSettings } from '../../generation/parse-settings.js';
import { refuseWithoutChatTemplate } from '../../generation/require-chat-template.js';
import type { Settings } from '../../generation/settings.js';
import type { Pair, PairFiles, PairOptions } from '../../models/pair.js';
import { USUAL_CONTEXT, usualContextSize } from '../../models/usual-context.js';
import type { ChatMessage } from '../../templates/messages.js';
import type { Message } from '../chat/line-reader.js';
import type { TalkFlags } from '../chat/talk.js';
import { addDecodingOptions, type DecodingFlags, settingsOf } from '../decoding-options.js';
import { draftNotice } from '../draft-notice.js';
import { EXIT } from '../failures.js';
import type { Io } from '../io.js';
import { addModelOptions, addRpcOptions, addTargetUrlOptions } from '../model-options.js';
import { addTalkOptions, addWrapOption, answerErrors } from '../program-options.js';
import { downloadReports } from '../render/downloads.js';
import {
  addEngineOption,
  addLearnOption,
  addRuntimeOptions,
  pairOptionsOf,
  type RuntimeFlags,
  runOptionsOf,
} from '../runtime-options.js';
import { addUrlOptions, refuseOthers, type UrlFlags } from '../served/url-options.js';
import { addTemplateOptions, type TemplateFlags, templateChoiceOf } from '../template-options.js';
import { warn } from '../warnings.js';

/** What Commander makes of the options. Undefined = not given. */
interface ChatFlags extends RuntimeFlags, DecodingFlags, TalkFlags, TemplateFlags, UrlFlags {
  system?: string;
  load?: string;
  contextPolicy: ContextPolicy;
  engine: NonNullable<PairOptions['engine']>;
}

const EXAMPLES = `
A message is a line, or several that are pasted, or between """ and """, or as long as lines end in a backslash. Of these,
only a line can be a command.
Ctrl-C stops the answer; Ctrl-D or /bye ends the conversation; /help lists the commands. From a pipe, each line is a
message.

Examples:
  mtad chat --pair llama-3.1-8b
  mtad chat -m llama-8b-q4.gguf -d llama-1b-q4.gguf -s "Answer in one sentence." "Why is the sky blue?"
  mtad chat --load yesterday.json
  mtad chat --url http://box:8077`;

export function createChat(io: Io): Command {
  const program = new Command('mtad chat')
    .usage('[options] [message...]')
    .description(
      'Talk with a model that was trained for it. Both models keep the conversation in their caches: only what is new is read.',
    )
    .argument('[message...]', 'the first message')
    .action(async (words: string[], flags: ChatFlags, command: Command) => {
      if (flags.load !== undefined && command.getOptionValueSource('system') === 'cli')
        throw new UsageError('--load brings its own system text: leave --system out, or use /system');
      refuseOthers(command, flags);
      const message = { text: words.join(' '), isQuoted: command.getOptionValue('isLiteral') };
      io.exitCode = await runChat(io, message, flags, command);
    });
  answerErrors(program, io, '(mtad chat --help lists the options)');

  addModelOptions(program, io);
  addTargetUrlOptions(program);
  addRpcOptions(program);
  addUrlOptions(program);

  program.optionsGroup('Conversation:');
  program
    .option('-s, --system <text>', 'what the model is told before the conversation')
    .addOption(
      new Option(
        '--load <file>',
        'go on with a conversation that /save wrote, and its system text',
      ).conflicts('system'),
    )
    .addOption(
      new Option(
        '--context-policy <policy>',
        'when the context is full: shift drops the oldest questions with their answers, stop ends the answer',
      )
        .choices(['shift', 'stop'])
        .default('shift'),
    )
    .option('--no-history', 'do not keep what is typed for the next time')
    .option('--hide-reasoning', 'only the answer of a model that reasons first');
  addTemplateOptions(program);

  program.optionsGroup('Decoding:');
  addDecodingOptions(program);

  program.optionsGroup('Runtime:');
  addEngineOption(program);
  addRuntimeOptions(program, `what the target was trained on, up to ${USUAL_CONTEXT}`);
  addLearnOption(program);

  program.optionsGroup('Output:');
  program
    .option('--highlight', 'colour what was drafted; on a terminal, strike out what was refused')
    .option('--stats', 'a line of figures after each answer, on standard error (default: on a terminal)')
    .option('--no-stats', 'no figures');
  addWrapOption(program);
  addTalkOptions(program);
  program.addHelpText('after', EXAMPLES);
  return program;
}

/** `mtad chat`: questions in, answers out, until there are no more. @returns the exit code */
async function runChat(io: Io, firstMessage: Message, flags: ChatFlags, program: Command): Promise<number> {
  const { url } = flags;
  const template = url === undefined ? templateChoiceOf(flags, io) : { think: flags.think }; // a template is that of the server
  const settings = parseSettings({ ...settingsOf(flags), ...template });
  const start = { messages: await startOf(flags), firstMessage };
  if (url === undefined) return talkHere(io, start, flags, settings);
  const { talkServed } = await import('../chat/talk-served.js');
  return talkServed(io, start, { ...flags, url }, settings, program);
}

/** Talks with models that are loaded here. @returns the exit code */
async function talkHere(
  io: Io,
  { messages, firstMessage }: { messages: ChatMessage[]; firstMessage: Message },
  flags: ChatFlags,
  asked: Settings,
): Promise<number> {
  const { attended } = await import('../attended.js');
  const { Conversation } = await import('../../generation/conversation.js');
  const { LoadedPartner } = await import('../chat/loaded-partner.js');
  const { talk } = await import('../chat/talk.js');
  const { loadPair } = await import('../../models/pair.js'); // half a second, so not before it is needed
  let pair: Pair | undefined;
  let conversation: Conversation | undefined;
  try {
    const interrupted = await attended(io, flags, async ({ signal }, progress) => {
      const options = {
        ...pairOptionsOf(flags, io),
        ...downloadReports(io, flags, progress),
        engine: flags.engine,
        signal,
      };
      const needed = { ...options, needsDraft: asked.draftFrom !== 'lookup' }; // /set may ask for a strategy that drafts
      const files = await chatFiles(needed, asked);
      withDraftSource(asked, files); // which refuses what the files cannot do
      progress.loading('Loading models');
      pair = await loadPair(needed, files);
      const settings = withDraftSource(asked, modelsOf(pair));
      conversation = await Conversation.open(pair, asked, chatRunOptions(io, flags, files));
      progress.stop();
      const say = (line: string) => {
        if (!flags.quiet) io.say(line);
      };
      warn(flags, files, conversation.template, systemOf(messages), say);
      const notice = draftNotice(asked, settings, files);
      if (notice !== undefined) say(notice);
      return EXIT.ok;
    });
    if (!conversation) return interrupted;
    conversation.messages = messages;
    const showsColors = io.stdout.isTTY === true && io.colors(flags.color, io.stdout).level > 0;
    const partner = new LoadedPartner(conversation, {
      showsRefused: flags.highlight === true && showsColors,
      history: pair?.history,
    });
    return await talk(io, partner, firstMessage, flags);
  } finally {
    await conversation?.dispose();
    await pair?.dispose();
  }
}

async function startOf({ load, system }: ChatFlags): Promise<ChatMessage[]> {
  if (load !== undefined) {
    const { loadConversation } = await import('../chat/saved-conversation.js');
    return loadConversation(load);
  }
  return system === undefined ? [] : [{ role: 'system', content: system }];
}

function systemOf([first]: readonly ChatMessage[]): string | undefined {
  return first?.role === 'system' ? first.content : undefined;
}

/** @throws UsageError for a model that cannot be talked to, before it is loaded */
async function chatFiles(options: PairOptions, settings: Settings): Promise<PairFiles> {
  const { findPair } = await import('../../models/pair.js');
  const files = await findPair(options);
  refuseWithoutChatTemplate(files.target, settings);
  const { openTemplate } = await import('../../templates/open-template.js');
  await openTemplate(files.target.template, settings);
  return files;
}

function chatRunOptions(io: Io, flags: ChatFlags, { target }: PairFiles): ConversationOptions {
  const contextSize = usualContextSize(target.trainContextSize, flags.ctxSize);
  return { ...runOptionsOf(flags, io), contextSize, contextPolicy: flags.contextPolicy };
}
