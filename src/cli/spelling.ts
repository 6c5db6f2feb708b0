import { distance } from 'fastest-levenshtein';
import { UsageError } from '../errors.js';

const COMMANDS = ['generate'];
const LATER_COMMANDS = ['benchmark', 'tune', 'inspect', 'pull', 'complete'];

/** llama.cpp's names for our options. Commander would take `-md x` for `--model d` and a prompt. */
const LLAMA_CPP_SPELLINGS: Record<string, string> = {
  '-md': '--draft',
  '--model-draft': '--draft',
  '--spec-draft-model': '--draft',
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

/** Options of llama.cpp that name something on Hugging Face. */
const DOWNLOADS = ['-hf', '-hfr', '-hfd', '-hfrd', '--hf-repo', '--hf-repo-draft'];

/** The same arguments in this program's spelling, up to a `--`. */
export function acceptLlamaCppSpellings(args: readonly string[]): string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  return args.map((arg, i) => {
    if (i >= end) return arg;
    const [flag, ...value] = arg.split('=');
    if (DOWNLOADS.includes(flag!))
      throw new UsageError(
        `${flag}: this release does not download models; fetch the file and give its path with -m or -d`,
      );
    const ours = LLAMA_CPP_SPELLINGS[flag!];
    return ours ? [ours, ...value].join('=') : arg;
  });
}

/** A lone word is a prompt, unless it looks like a command that is misspelt, or one that is yet to come. */
export function refuseUnknownCommand(args: readonly string[]): void {
  const [word] = args;
  if (word === undefined) return;
  if (LATER_COMMANDS.includes(word))
    throw new UsageError(
      `mtad ${word} is not in this release; for a prompt that begins so, use -p "${word} ..."`,
    );
  if (args.length > 1 || word.length < 4 || COMMANDS.includes(word)) return;
  const close = [...COMMANDS, ...LATER_COMMANDS].find((command) => distance(word, command) <= 2);
  if (close)
    throw new UsageError(`"${word}" is no command; did you mean ${close}? For a prompt, use -p ${word}`);
}
