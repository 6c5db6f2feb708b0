import { distance } from 'fastest-levenshtein';
import { UsageError } from '../errors.js';
import { COMMANDS, isCommand } from './commands/index.js';

const KNOWN_WORDS = [...COMMANDS.keys(), 'help'];

/** Commands of other tools, and mtad's replacements. */
const FOREIGN_COMMANDS: ReadonlyMap<string, string> = new Map([
  ['bench', 'the command is mtad benchmark'],
  ['ls', 'mtad list shows the models that are there, mtad pairs those that are known'],
  ['ps', 'a model stays loaded only in mtad serve and mtad chat'],
  ['run', 'mtad chat -m <model> talks with a model, mtad -m <model> "..." writes a text'],
  ['show', 'mtad inspect <model> tells what a model is'],
  ['version', 'the option is mtad --version'],
]);

/** Reads `help benchmark` as `benchmark --help`. With more words it is a prompt. */
export function acceptHelpOf(args: readonly string[]): readonly string[] {
  const [help, command, ...more] = args;
  if (help !== 'help' || command === undefined || more.length > 0 || !KNOWN_WORDS.includes(command))
    return args;
  return isCommand(command) ? [command, '--help'] : ['--help'];
}

/** @throws UsageError for a lone word that looks like a command, since it would silently become a prompt */
export function refuseLoneWord(word: string): void {
  if (isCommand(word))
    throw new UsageError(
      `"${word}" is a command, and stands first: mtad ${word} [options]. For a prompt, use -p ${word}`,
    );
  const instead = FOREIGN_COMMANDS.get(word);
  if (instead !== undefined)
    throw new UsageError(`"${word}" is no command: ${instead}. For a prompt, use -p ${word}`);
  const tolerated = word.length > 5 ? 2 : 1; // letters; any other word is near to a command of two
  const close = KNOWN_WORDS.find((known) => known.length > 3 && distance(word, known) <= tolerated);
  if (close !== undefined)
    throw new UsageError(`"${word}" is no command; did you mean ${close}? For a prompt, use -p ${word}`);
}
