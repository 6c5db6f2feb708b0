import { Command } from 'commander';
import { UsageError } from '../../errors.js';
import type { InspectFlags } from '../commands/inspect.js';
import {
  addModelOptions,
  answerErrors,
  cacheTypeOption,
  colorOption,
  gpuOption,
  setting,
  whole,
} from '../options.js';

const EXAMPLES = `
Examples:
  mtad inspect llama-8b-q4.gguf llama-1b-q4.gguf
  mtad inspect hf:Qwen/Qwen3-8B-GGUF:Q4_K_M                 only the header is fetched
  mtad inspect --pair llama-3.1-8b -c 32768 --cache-type q8_0

Exit codes: 0 they run, if the memory suffices, 2 wrong arguments, 3 a file that does not run, 4 models that do not make a pair.`;

/** The command line of `mtad inspect`. Parsing loads no model and no native library. */
export function createInspectProgram(): Command {
  const program = new Command('mtad inspect')
    .usage('[options] [target] [draft]')
    .description(
      'Tell the facts of two model files, whether they make a pair, what memory they need and what would run them.\n' +
        'Of files elsewhere, only the headers are fetched. Without models, the pair that comes with mtad.',
    )
    .argument('[target]', 'file, or address: hf:user/repository:quantisation, https://...')
    .argument('[draft]', 'the same, or lookup for none')
    .action(
      async (
        target: string | undefined,
        draft: string | undefined,
        flags: InspectFlags,
        command: Command,
      ) => {
        if (target !== undefined) refuseSecondNames(command);
        const { runInspect } = await import('../commands/inspect.js');
        process.exitCode = await runInspect([target, draft], flags);
      },
    );
  answerErrors(program, '(mtad inspect --help lists the options)');

  addModelOptions(program);

  program.optionsGroup('What to reckon the memory for:');
  program
    .addOption(
      whole(
        '-c, --ctx-size <n>',
        'tokens of context (default: what the target was trained on, up to 8192)',
        2,
      ),
    )
    .addOption(cacheTypeOption())
    .addOption(setting('-k, --draft-length <n>', 'draftLength', 'tokens drafted per step'))
    .addOption(setting('-w, --beam-width <n>', 'beamWidth', 'beams kept while drafting'))
    .addOption(gpuOption());

  program.optionsGroup('Output:');
  program
    .option('--json', 'one object, for machines')
    .addOption(colorOption())
    .option('-v, --verbose', 'errors in full');
  program.addHelpText('after', EXAMPLES);
  return program;
}

/** @throws UsageError for models that are named both in words and by options */
function refuseSecondNames(command: Command): void {
  for (const option of ['model', 'draft', 'pair'])
    if (command.getOptionValueSource(option) === 'cli')
      throw new UsageError(`--${option} names a model a second time: give the models in one way`);
}
