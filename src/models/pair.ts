import { type BindingsOptions, createBindingsEngine } from '../engine/bindings/engine.js';
import type { Engine, Model } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import type { TokenId } from '../types.js';
import { checkPair } from './check-pair.js';
import { type ModelHeader, readHeader } from './header.js';
import { EMBEDDED_PAIR, resolveModel } from './resolve.js';

export interface PairOptions {
  readonly model?: string | undefined; // target: path, or name in modelsDir; neither model given = the embedded pair
  readonly draft?: string | undefined;
  /** false where the strategy guesses nothing: the draft model is then not loaded. */
  readonly needsDraft?: boolean | undefined;
  readonly modelsDir?: string | undefined;
  readonly gpu?: BindingsOptions['gpu'] | undefined;
  readonly gpuLayers?: number | undefined;
  readonly draftGpuLayers?: number | undefined;
  readonly log?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Two loaded models that speak the same tokens. */
export interface Pair {
  readonly engine: Engine;
  readonly target: Model;
  readonly draft: Model | undefined;
  readonly targetHeader: ModelHeader;
  readonly draftHeader: ModelHeader | undefined;
  /** Padding that only one of the vocabularies has. */
  readonly unshared: ReadonlySet<TokenId>;
  /** Frees both models. Idempotent. */
  dispose(): Promise<void>;
}

/**
 * Finds, checks and loads a target model and its draft model. What can be checked is checked first.
 * @throws UsageError, ModelFileError, PairMismatchError, ResourceError
 */
export async function loadPair(options: PairOptions = {}): Promise<Pair> {
  const { needsDraft = true, modelsDir, gpu = 'auto', log, signal } = options;
  const names = options.model || options.draft ? options : EMBEDDED_PAIR;
  if (!names.model) throw new UsageError('A draft model is given, but no target model: add one with --model');
  if (!names.draft && needsDraft)
    throw new UsageError(
      'This strategy needs a draft model beside the target: add one with --draft, or use --strategy autoregressive',
    );

  const targetHeader = await readHeader(resolveModel(names.model, modelsDir));
  const draftHeader =
    names.draft && needsDraft ? await readHeader(resolveModel(names.draft, modelsDir)) : undefined;
  const shared = draftHeader ? checkPair(targetHeader, draftHeader) : targetHeader.vocabulary.tokens.length;

  const engine = await createBindingsEngine({ gpu, log });
  try {
    const target = await engine.loadModel(targetHeader.path, { gpuLayers: options.gpuLayers, signal });
    const draft =
      draftHeader &&
      (await engine.loadModel(draftHeader.path, { gpuLayers: options.draftGpuLayers, signal }));
    const longest = Math.max(
      shared,
      draftHeader?.vocabulary.tokens.length ?? 0,
      targetHeader.vocabulary.tokens.length,
    );
    const unshared = new Set(Array.from({ length: longest - shared }, (_, i) => shared + i));
    return { engine, target, draft, targetHeader, draftHeader, unshared, dispose: () => engine.dispose() };
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}
