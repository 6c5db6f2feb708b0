import { Command } from 'commander';
import { UsageError } from '../../errors.js';
import type { PullFlags } from '../commands/pull.js';
import { answerErrors, modelsDirOption } from '../options.js';

const EXAMPLES = `
Addresses:
  hf:user/repo:Q4_K_M               the file of a quantisation; without one, the hub's choice
  hf:user/repo/file.gguf#branch     one file, from a branch (default: main)
  https://host/path/file.gguf       from anywhere
Of a model in parts (file-00001-of-00003.gguf) any part means all.

Examples:
  mtad pull hf:bartowski/Qwen2.5-7B-Instruct-GGUF:Q4_K_M hf:bartowski/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M
  mtad pull --pair llama-3.1-8b
  mtad -m $(mtad pull -q hf:bartowski/SmolLM2-135M-Instruct-GGUF:Q8_0) --draft lookup "The sea"

A download that ends early continues when the same command runs again. HF_TOKEN opens gated and private models,
HF_ENDPOINT names another hub, HTTPS_PROXY and NO_PROXY are heeded.`;

/** The command line of `mtad pull`. Parsing loads no native library and touches no network. */
export function createPullProgram(): Command {
  const program = new Command('mtad pull')
    .usage('[options] <address...>')
    .description('Download models, check them, and print where they are.')
    .argument('[addresses...]')
    .action(async (addresses: string[], flags: PullFlags, command: Command) => {
      if (addresses.length === 0 && flags.pair === undefined)
        throw new UsageError(
          'What to download? Give an address such as hf:user/repo:Q4_K_M, or --pair <name>',
        );
      const { runPull } = await import('../commands/pull.js');
      const isAsked = addresses.length === 0 || command.getOptionValueSource('pair') === 'cli'; // not only a setting
      process.exitCode = await runPull(addresses, { ...flags, pair: isAsked ? flags.pair : undefined });
    })
    .option('--pair <name>', 'target and draft model of a known pair (mtad pairs lists them)')
    .addOption(modelsDirOption())
    .option('--offline', 'never use the network: only say what is there')
    .option('--json', 'a JSON array: address, path, bytes, sha256, checked, downloaded')
    .option('-q, --quiet', 'no progress, no notices')
    .option('-v, --verbose', 'what the downloader says, and errors in full')
    .addHelpText('after', EXAMPLES);
  return answerErrors(program, '(mtad pull --help lists the options)');
}
