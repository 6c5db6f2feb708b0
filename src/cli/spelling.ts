import { distance } from 'fastest-levenshtein';
import { UsageError } from '../errors.js';
import { COMMAND_NAMES, isCommand } from './programs/index.js';

const LATER_COMMANDS = ['tune'];
const KNOWN_WORDS = [...COMMAND_NAMES, 'help', ...LATER_COMMANDS];

/** llama.cpp's names for our options. Commander would take `-md x` for `--model d` and a prompt. */
export const LLAMA_CPP_SPELLINGS: Record<string, string> = {
  '-md': '--draft',
  '--model-draft': '--draft',
  '--spec-draft-model': '--draft',
  '-fa': '--flash-attn',
  '-td': '--draft-threads',
  '--threads-draft': '--draft-threads',
  '-ngl': '--gpu-layers',
  '--n-gpu-layers': '--gpu-layers',
  '-ngld': '--draft-gpu-layers',
  '--gpu-layers-draft': '--draft-gpu-layers',
  '--n-gpu-layers-draft': '--draft-gpu-layers',
  '--draft-max': '--draft-length',
  '--draft-n': '--draft-length',
  '--temp': '--temperature',
  '--n-predict': '--max-tokens',
  '--predict': '--max-tokens',
  '--reverse-prompt': '--stop',
};

/** Options of llama.cpp that name a repository of Hugging Face, `user/repo:quant`. */
const REPOSITORIES: Record<string, string> = {
  '-hf': '--model',
  '-hfr': '--model',
  '--hf-repo': '--model',
  '-hfd': '--draft',
  '-hfrd': '--draft',
  '--hf-repo-draft': '--draft',
};

/** The same arguments in this program's spelling, up to a `--`. */
export function acceptLlamaCppSpellings(args: readonly string[]): string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  return args.map((arg, i) => {
    if (i >= end) return arg;
    const [flag, ...value] = arg.split('=');
    const model = REPOSITORIES[flag!];
    if (model) return value.length > 0 ? `${model}=${hubAddress(value.join('='))}` : model;
    if (i > 0 && args[i - 1]! in REPOSITORIES) return hubAddress(arg);
    const ours = LLAMA_CPP_SPELLINGS[flag!];
    return ours ? [ours, ...value].join('=') : arg;
  });
}

function hubAddress(repository: string): string {
  return /^(hf|huggingface):/i.test(repository) ? repository : `hf:${repository}`;
}

/** `help benchmark` and `benchmark help` are `benchmark --help`. With more words it is a prompt. */
export function acceptHelpOf(args: readonly string[]): readonly string[] {
  const [help, command, ...more] = args;
  if (args.length === 2 && isCommand(help) && command === 'help') return [help, '--help'];
  if (help !== 'help' || command === undefined || more.length > 0 || !KNOWN_WORDS.includes(command))
    return args;
  refuseLaterCommand(command);
  return isCommand(command) ? [command, '--help'] : ['--help'];
}

/** @throws UsageError for a command line that begins with a command which is yet to come */
export function refuseLaterCommand(word: string | undefined): void {
  if (word !== undefined && LATER_COMMANDS.includes(word))
    throw new UsageError(
      `mtad ${word} is not in this release; for a prompt that begins so, use -p "${word} ..."`,
    );
}

/**
 * The words of the prompt, without the name of the command.
 * @throws UsageError for a lone word that looks like a command, because it would become a prompt in silence
 */
export function promptWords([first, ...rest]: readonly string[]): string[] {
  if (first === undefined || first === 'generate') return rest;
  if (rest.length === 0) {
    refuseLaterCommand(first);
    if (isCommand(first))
      throw new UsageError(
        `"${first}" is a command, and stands first: mtad ${first} [options]. For a prompt, use -p ${first}`,
      );
    const tolerated = first.length > 5 ? 2 : 1; // letters
    const close = KNOWN_WORDS.find((known) => distance(first, known) <= tolerated);
    if (close && close !== first)
      throw new UsageError(`"${first}" is no command; did you mean ${close}? For a prompt, use -p ${first}`);
  }
  return [first, ...rest];
}
