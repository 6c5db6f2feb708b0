import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { DraftChain, DraftFirst, DraftSource, DraftTail } from '../drafting/drafter.js';
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
        `draft model, likewise; or mtp: the target's own head; lookup: guess from the text so far; a corpus (mtad learn); draft.gguf+lookup: the latter goes on where the former ends; lookup+draft.gguf: the latter where the former gains less${comparesDrafts ? '; several are compared' : ''}`,
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
  const names = [...new Set(links.flatMap(({ before, main, behind }) => [...before, main, ...behind]))];
  const [corpus, second] = names.filter((name) => sourceOf(name) === 'corpus');
  if (second !== undefined)
    throw new UsageError(
      `--draft names two corpora, ${corpus} and ${second}: mtad learn --append makes one of both`,
    );
  const [file, another] = names.filter((name) => sourceOf(name) === 'model');
  if (another !== undefined)
    throw new UsageError(`--draft names two draft models, ${file} and ${another}: a run has one`);
  return { file, corpus, chains: links.map(chainOf) };
}

/** @throws UsageError for two sources behind another */
function chainOf({ before, main, behind }: Links): DraftChain {
  const [tail, second] = behind;
  if (second !== undefined)
    throw new UsageError(
      `--draft has ${tail} and ${second} behind another source: one can go on where a draft ends`,
    );
  const firsts = new Set(before.map(sourceOf));
  return {
    ...(firsts.size > 0 && { draftFirst: [...firsts].sort().join('+') as DraftFirst }),
    draftFrom: sourceOf(main),
    draftTail: tail === undefined ? 'none' : freeNamed(tail)!,
  };
}

/** @param name '': the one that is taken where nothing is said */
function sourceOf(name: string): DraftChain['draftFrom'] {
  if (name === '') return 'auto';
  return SOURCES.get(name) ?? (CORPUS.test(name) ? 'corpus' : 'model');
}

/** Returns the source of this name that takes no pass; undefined: it takes passes. */
function freeNamed(name: string): Exclude<DraftTail, 'none'> | undefined {
  const source = sourceOf(name);
  return source === 'lookup' || source === 'corpus' ? source : undefined;
}

/** Sources that are joined by a plus, in their order. */
interface Links {
  /** Those without passes before the one that takes passes. */
  readonly before: readonly string[];
  /** The one that takes passes; where there is none, the first. */
  readonly main: string;
  readonly behind: readonly string[];
}

/** Names of files may have a plus too. */
function linksOf(part: string): Links {
  const names = part.split('+');
  const isFree = (name: string) => freeNamed(name) !== undefined;
  const before = names.findIndex((name) => !isFree(name));
  const last = names.findLastIndex((name) => !isFree(name));
  if (existsSync(part) || names.length === 1) return { before: [], main: part, behind: [] };
  if (before === -1) return { before: [], main: names[0]!, behind: names.slice(1) };
  const main = names.slice(before, last + 1).join('+');
  return { before: names.slice(0, before), main, behind: names.slice(last + 1) };
}

function isChain(part: string): boolean {
  const { before, behind } = linksOf(part);
  return before.length + behind.length > 0;
}

/** The name of a file may have commas too. */
function isList(draft: string): boolean {
  const isSaid = (part: string) => isChain(part) || SOURCES.has(part) || CORPUS.test(part);
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
