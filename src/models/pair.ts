import { basename, resolve } from 'node:path';
import type { Corpus } from '../drafting/corpus.js';
import { createEngine } from '../engine/open.js';
import type { Engine, EngineName, Gpu, GrammarSource, Model, ModelOptions } from '../engine/port.js';
import { Connection, type Traffic } from '../engine/remote/connection.js';
import { remoteModel } from '../engine/remote/model.js';
import { PairMismatchError, UsageError } from '../errors.js';
import type { TokenId } from '../types.js';
import { type CheckedPair, checkPair } from './check-pair.js';
import { type CorpusFacts, checkCorpus, readCorpus, readCorpusFacts } from './corpus-file.js';
import { type ModelHeader, readHeader } from './header.js';
import { hasHead } from './heads.js';
import { type History, openHistory } from './history.js';
import { EMBEDDED_PAIR, type ResolveOptions, resolveModels } from './resolve.js';

/**
 * The models of a pair, and how to load them. A model that is named by an address is downloaded unless it is there;
 * `onProgress` and `onNotice` are called during the download, `onNotice` also where `learn` cannot be written.
 */
export interface PairOptions extends ResolveOptions {
  /** The target model: a path, a name in `modelsDir`, or an address. Without target and draft: the embedded pair. */
  readonly model?: string | undefined;
  /** The draft model, likewise; undefined beside a target: there is none, except for the embedded target. */
  readonly draft?: string | undefined;
  /** The address of a server that runs the target, in place of `model`; only the draft model is loaded here. */
  readonly targetUrl?: string | undefined;
  /** The key for that server. No other server gets it. */
  readonly targetKey?: string | undefined;
  /** Machines (`host:port`) whose rpc-server computes the target's layers; needs the engine direct. */
  readonly rpc?: readonly string[] | undefined;
  /** The file of llama.cpp's client library for that. */
  readonly rpcLibrary?: string | undefined;
  /** Whether the strategy drafts with a model, if there is one (default true); false: the draft model is not loaded. */
  readonly needsDraft?: boolean | undefined;
  /** Whether to load the target's drafting head, if it has one; undefined: where no draft model is loaded. */
  readonly withHead?: boolean | undefined;
  /** A file of texts to draft from, which `mtad learn` wrote. */
  readonly corpus?: string | undefined;
  /** A corpus that what is written is added to, its oldest texts out: a file, which need not be there. */
  readonly learn?: string | undefined;
  readonly engine?: EngineName | 'auto' | undefined;
  readonly gpu?: Gpu | undefined;
  readonly gpuLayers?: number | undefined;
  readonly draftGpuLayers?: number | undefined;
  /** A grammar to check before weights are loaded. */
  readonly grammar?: GrammarSource | undefined;
}

/** Two loaded models that share their tokens. */
export interface Pair extends Pick<PairFiles, 'notes'>, Pick<PairOptions, 'gpuLayers' | 'draftGpuLayers'> {
  readonly engine: Engine;
  readonly target: Model;
  readonly draft: Model | undefined;
  readonly targetHeader: ModelHeader;
  readonly draftHeader: ModelHeader | undefined;
  readonly corpus: Corpus | undefined;
  /** The corpus's file; undefined: there is none. */
  readonly corpusPath?: string | undefined;
  /** Learns what is written; undefined: nothing does. */
  readonly history?: History | undefined;
  /** Token ids that only one of the vocabularies has: padding. */
  readonly unshared: ReadonlySet<TokenId>;
  /** Bytes to and from the target, if it runs on another machine; undefined: it runs here. */
  readonly traffic?: (() => Traffic) | undefined;
  /** Frees both models, and writes the rest of the history. A second call does nothing. */
  dispose(): Promise<void>;
}

/** The headers of a pair's files, which are checked against each other. */
export interface PairFiles extends CheckedPair {
  readonly target: ModelHeader;
  readonly draft: ModelHeader | undefined;
  readonly corpus: CorpusFacts | undefined;
  readonly history?: History | undefined;
}

/**
 * Finds a target model and its draft model, if it has one, and checks that they make a pair. No weights are loaded.
 * Where `learn` and `corpus` are one file that is not there yet, it is made.
 * @throws UsageError, ModelFileError, PairMismatchError
 */
export async function findPair(options: PairOptions = {}): Promise<PairFiles> {
  const { model, draft, targetUrl, needsDraft = true } = options;
  if (targetUrl !== undefined) return findDraftFor(targetUrl, options);
  const names = isEmbedded(options) ? EMBEDDED_PAIR : { model, draft };
  if (!names.model) throw new UsageError('A draft model is given, but no target model: add one with `model`');
  const wanted = names.draft && needsDraft ? [names.model, names.draft] : [names.model];
  const [targetFile, draftFile] = (await resolveModels(wanted, options)) as [string, string?];
  const targetHeader = await readHeader(targetFile);
  const draftHeader = draftFile && (await readHeader(draftFile));
  const texts = await findTexts(options, targetHeader);
  return draftHeader
    ? { target: targetHeader, draft: draftHeader, ...texts, ...checkPair(targetHeader, draftHeader) }
    : {
        target: targetHeader,
        draft: undefined,
        ...texts,
        sharedTokens: targetHeader.vocabulary.tokens.length,
        notes: [],
      };
}

/** Whether these names mean the pair that comes with the package. */
export function isEmbedded({ model, draft }: Pick<PairOptions, 'model' | 'draft'>): boolean {
  return !draft && (!model || resolve(model) === EMBEDDED_PAIR.model);
}

/** Both may be one file, which is begun then. */
async function findTexts(
  { corpus: path, learn, onNotice }: PairOptions,
  target: ModelHeader,
): Promise<Pick<PairFiles, 'corpus' | 'history'>> {
  const history = learn === undefined ? undefined : await openHistory(learn, target, { onNotice });
  if (path === undefined) return { corpus: undefined, history };
  if (history && resolve(path) === resolve(history.path)) await history.begin();
  const corpus = await readCorpusFacts(path);
  checkCorpus(corpus, target);
  return { corpus, history };
}

/** Finds the draft model for a target on a server. Its vocabulary stands for the target's; loading compares it with the server. */
async function findDraftFor(targetUrl: string, options: PairOptions): Promise<PairFiles> {
  const { model, draft = EMBEDDED_PAIR.draft } = options;
  if (model) throw new UsageError('Either `model` or `targetUrl` is the target: leave out one of them');
  const [file] = (await resolveModels([draft], options)) as [string];
  const header = await readHeader(file);
  return {
    target: { ...header, path: new Connection({ url: targetUrl }).url, caveat: undefined },
    draft: header,
    ...(await findTexts(options, header)),
    sharedTokens: header.vocabulary.tokens.length,
    notes: [],
  };
}

/**
 * Finds, checks and loads a pair. Every check that needs no weights comes first.
 * @param files the result of an earlier `findPair`; undefined: it is called here
 * @throws what `findPair` throws; ResourceError
 */
export async function loadPair(options: PairOptions = {}, files?: PairFiles): Promise<Pair> {
  const {
    engine: engineName = 'auto',
    gpu = 'auto',
    gpuLayers,
    draftGpuLayers,
    needsDraft = true,
    grammar,
    log,
    signal,
  } = options;
  const {
    target: targetHeader,
    draft: draftHeader,
    corpus: corpusFacts,
    history,
    sharedTokens,
    notes,
  } = files ?? (await findPair(options));
  const engine = await createEngine(engineName, { gpu, log }).catch((cause) => {
    signal?.throwIfAborted(); // Ctrl-C also ends the process in which node-llama-cpp tries its library
    throw cause;
  });
  try {
    if (grammar) await engine.checkGrammar(grammar);
    const load = (
      path: string,
      layers: number | undefined,
      more: Pick<ModelOptions, 'withHead' | 'rpc'> = {},
    ) => engine.loadModel(path, { gpuLayers: layers, ...more, signal });
    const { targetUrl: url, targetKey: key, withHead = needsDraft && !draftHeader } = options;
    const { rpc: servers, rpcLibrary: library } = options;
    const rpc = servers && servers.length > 0 ? { servers, library } : undefined;
    const connection = url === undefined ? undefined : new Connection({ url, key });
    const local = connection
      ? undefined
      : await load(targetHeader.path, gpuLayers, { withHead: withHead && hasHead(targetHeader), rpc });
    const draft = draftHeader && (await load(draftHeader.path, draftGpuLayers));
    const target = local ?? (await remoteModel(connection!, draft!));
    const traffic = connection && (() => connection.traffic);
    const corpus = corpusFacts && (await readCorpus(corpusFacts.path));
    const sizes = [targetHeader, draftHeader].map((header) => header?.vocabulary.tokens.length ?? 0);
    const unshared = new Set(
      Array.from({ length: Math.max(...sizes) - sharedTokens }, (_, i) => sharedTokens + i),
    );
    refuseUnsharedEnd(target, targetHeader, unshared);
    if (history) options.onNotice?.(`what is written is kept in ${history.path}`);
    const dispose = async () => {
      try {
        await history?.flush();
      } finally {
        await engine.dispose();
      }
    };
    return {
      engine,
      target,
      draft,
      targetHeader,
      draftHeader,
      corpus,
      corpusPath: corpusFacts && resolve(corpusFacts.path),
      history,
      gpuLayers,
      draftGpuLayers,
      unshared,
      notes,
      traffic,
      dispose,
    };
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

/** Unshared tokens are never emitted. That is no loss for padding; but a text without its end token would never end. */
function refuseUnsharedEnd(
  { tokenizer }: Model,
  { path, vocabulary }: ModelHeader,
  unshared: ReadonlySet<TokenId>,
): void {
  for (const token of unshared)
    if (token < vocabulary.tokens.length && tokenizer.isEndOfGeneration(token))
      throw new PairMismatchError(
        `${basename(path)} ends its texts with token ${token}, ${JSON.stringify(vocabulary.tokens[token])}, which its draft model lacks`,
      );
}
