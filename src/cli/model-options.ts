import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { DraftChain, DraftSource, DraftTail } from '../drafting/drafter.js';
import { UsageError } from '../errors.js';
import { modelsFolder } from '../models/models-folder.js';
import type { Io } from './io.js';

/** Which models. Undefined = not given. */
export interface ModelFlags {
  model?: string;
  draft?: string;
  targetUrl?: string;
  targetKey?: string;
  rpc?: string;
  rpcLibrary?: string;
  modelsDir?: string;
  offline?: boolean;
}

/** @param comparesDrafts whether --draft takes several sources, each for contenders of its own */
export function addModelOptions(program: Command, io: Io, { comparesDrafts = false } = {}): void {
  program.optionsGroup('Models:');
  program
    .option('-m, --model <model>', 'target model: GGUF file, name in the models folder, or address')
    .addOption(
      new Option(
        '-d, --draft <model>',
        `draft model, likewise; or mtp: the target's own head; lookup: guess from the text so far; a corpus (mtad learn); draft.gguf+lookup: the latter goes on where the former ends${comparesDrafts ? '; several are compared' : ''}`,
      ).argParser(comparesDrafts ? parseDrafts : parseDraft),
    )
    .option('--pair <name>', 'both models by a name that stands for them, with what suits them (mtad pairs)')
    .addOption(modelsDirOption(io))
    .option('--offline', 'never use the network');
}

/** Other machines that compute layers of the target. */
export function addRpcOptions(program: Command): void {
  program
    .addOption(
      new Option(
        '--rpc <host:port,...>',
        "llama.cpp's rpc-server runs there, and computes layers of the target",
      ).conflicts(['targetUrl', 'verifyCache']), // such a target has one context
    )
    .option('--rpc-library <file>', "llama.cpp's client library for it, libggml-rpc.so (npm run build:rpc)");
}

/** For commands that write one text. */
export function addTargetUrlOptions(program: Command): void {
  program
    .addOption(
      new Option(
        '--target-url <url>',
        'the target runs there, on mtad serve, SGLang or llama-server; only the draft model is loaded here',
      ).conflicts(['model', 'pair']),
    )
    .option(
      '--target-key <key>',
      'what that server is sent as a key; as a variable, no list of processes shows it',
    );
}

export function modelsDirOption({ env }: Io): Option {
  return new Option(
    '--models-dir <folder>',
    'models folder: where downloads go and names are looked up',
  ).default(modelsFolder(undefined, env), "in the user's cache");
}

/** Words of --draft that name no file. `./lookup` names one. */
const SOURCES: ReadonlyMap<string, DraftSource> = new Map([
  ['mtp', 'mtp'],
  ['lookup', 'lookup'],
]);

/** The end of the name of a corpus. */
const CORPUS = /\.corpus$/;

/** What --draft says: where drafts come from, and the files of the draft model and the corpus if they are among them. */
interface Drafts {
  readonly file: string | undefined;
  readonly corpus: string | undefined;
  readonly chains: readonly DraftChain[];
}

/** @throws UsageError for more than one draft model, and for more than one corpus */
function draftsOf({ draft = '' }: { readonly draft?: string | undefined }): Drafts {
  const listed = (isList(draft) ? draft.split(',') : [draft]).filter((part) => part !== '');
  const links = [...new Set(listed)].map(linksOf);
  const names = [...new Set(links.flat())];
  const [corpus, second] = names.filter((name) => sourceOf(name) === 'corpus');
  if (second !== undefined)
    throw new UsageError(
      `--draft names two corpora, ${corpus} and ${second}: mtad learn --append makes one of both`,
    );
  const [file, another] = names.filter((name) => sourceOf(name) === 'model');
  if (another !== undefined)
    throw new UsageError(`--draft names two draft models, ${file} and ${another}: a run has one`);
  const chains = links.map(([first, tail]): DraftChain => {
    return { draftFrom: sourceOf(first), draftTail: tail === undefined ? 'none' : tailNamed(tail)! };
  });
  return { file, corpus, chains };
}

/** @param name '': the one that is taken where nothing is said */
function sourceOf(name: string): DraftChain['draftFrom'] {
  if (name === '') return 'auto';
  return SOURCES.get(name) ?? (CORPUS.test(name) ? 'corpus' : 'model');
}

/** Returns what can go on where a draft ends; undefined: what has this name takes passes itself. */
function tailNamed(name: string): Exclude<DraftTail, 'none'> | undefined {
  const source = sourceOf(name);
  return source === 'lookup' || source === 'corpus' ? source : undefined;
}

/** A source, and the one that goes on behind it: names of files may have a plus too. */
function linksOf(part: string): [string, ...string[]] {
  const plus = part.lastIndexOf('+');
  const [first, tail] = [part.slice(0, Math.max(0, plus)), part.slice(plus + 1)];
  return plus === -1 || tailNamed(tail) === undefined || existsSync(part) ? [part] : [first, tail];
}

/** The name of a file may have commas too. */
function isList(draft: string): boolean {
  const isSaid = (part: string) => linksOf(part).length > 1 || SOURCES.has(part) || CORPUS.test(part);
  return draft.includes(',') && !existsSync(draft) && draft.split(',').some(isSaid);
}

/** llama.cpp's --draft was once the number of tokens. */
function parseDrafts(draft: string): string {
  if (/^\d+(,\d+)*$/.test(draft) && !existsSync(draft))
    throw new InvalidArgumentError(
      `--draft names the draft model; tokens per step are --draft-length ${draft}.`,
    );
  return draft;
}

function parseDraft(draft: string): string {
  if (isList(draft)) throw new InvalidArgumentError('Several, to be compared, are for mtad benchmark.');
  return parseDrafts(draft);
}

/** Returns the file of the draft model that --draft names; undefined: it names none. */
export function draftFile(flags: { readonly draft?: string | undefined }): string | undefined {
  return draftsOf(flags).file;
}

/** Returns the file of the corpus that --draft names; undefined: it names none. */
export function corpusFile(flags: { readonly draft?: string | undefined }): string | undefined {
  return draftsOf(flags).corpus;
}

/** Returns the sources that --draft names, each with what goes on behind it; none: that is left open. */
export function draftChains(flags: { readonly draft?: string | undefined }): readonly DraftChain[] {
  return draftsOf(flags).chains;
}

/** Returns the same without what goes on behind them. */
export function draftSources(flags: {
  readonly draft?: string | undefined;
}): readonly DraftChain['draftFrom'][] {
  return draftChains(flags).map(({ draftFrom }) => draftFrom);
}
