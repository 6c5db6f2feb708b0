import { capacityOf, inspectMachine, type Machine } from '../engine/llama/machine.js';
import { insightsOf, type ModelMemory } from '../engine/llama/model-insights.js';
import type { CacheType, Gpu } from '../engine/port.js';
import { ModelFileError, PairMismatchError, UsageError } from '../errors.js';
import type { Asking } from './ask.js';
import { checkPair } from './check-pair.js';
import { chatTemplateFacts, factsOf, type ModelFacts } from './facts.js';
import { type GgufFile, readGgufFile, readRemoteGguf } from './gguf-file.js';
import { vocabularyOf } from './header.js';
import { refuseUnfit } from './refusals.js';
import { EMBEDDED_PAIR, findModel } from './resolve.js';

/** Which models to look at, and what for. */
export interface InspectOptions extends Asking {
  /** Target: path, name in modelsDir, or address; neither model = the embedded pair. */
  readonly model?: string | undefined;
  readonly draft?: string | undefined;
  readonly modelsDir?: string | undefined;
  /** Never use the network. */
  readonly offline?: boolean | undefined;
  /** Tokens; undefined = what the target was trained on, up to 8192. */
  readonly contextSize?: number | undefined;
  readonly cacheType?: CacheType | undefined;
  /** Tokens drafted per step. */
  readonly draftLength: number;
  /** Beams kept while drafting. */
  readonly beamWidth: number;
  readonly gpu: Gpu;
}

/** What two model files and this machine have to do with each other. */
export interface Inspection {
  readonly target: InspectedModel;
  readonly draft: InspectedModel | undefined;
  /** Undefined where there is one model, or one that is refused. */
  readonly pair: InspectedPair | undefined;
  /** Tokens that the memory is reckoned for. */
  readonly contextSize: number;
  readonly memory: { readonly ram: number; readonly vram: number; readonly fits: boolean } | undefined;
  readonly machine: Machine;
}

/** One model file. */
export interface InspectedModel {
  readonly facts: ModelFacts;
  /** Why it does not run. */
  readonly refusal: string | undefined;
  /** Of what runs. */
  readonly memory: ModelMemory | undefined;
}

/** Whether two models speak the same tokens. */
export interface InspectedPair {
  /** Ids below it mean the same to both; 0 where they do not match. */
  readonly sharedTokens: number;
  /** The first one. */
  readonly difference: string | undefined;
  /** Differences that change no text, a sentence each. */
  readonly notes: readonly string[];
}

const DEFAULT_CONTEXT = 8192; // tokens

/**
 * What is to be known of a model, or of a pair, before it is run or even fetched: of remote files only the headers are
 * read. Models that do not run or do not match are findings, not errors.
 * @throws UsageError; ModelFileError for a file whose header cannot be read
 */
export async function inspect(options: InspectOptions): Promise<Inspection> {
  const { beamWidth, draftLength, cacheType, gpu } = options;
  const names = options.model || options.draft ? options : EMBEDDED_PAIR;
  if (!names.model) throw new UsageError('A draft model is given, but no target model: add one with `model`');
  const targetFile = await readFile(names.model, options);
  const draftFile = names.draft ? await readFile(names.draft, options) : undefined;
  const machine = await inspectMachine(gpu);

  const trained = Number(targetFile.info.architectureMetadata.context_length) || DEFAULT_CONTEXT;
  const contextSize = options.contextSize ?? Math.min(trained, DEFAULT_CONTEXT);
  const inspected = (file: GgufFile, sequences: number) => {
    const shared = contextSize + (sequences - 1) * draftLength; // beams have the text in common
    const cells = machine.engine === 'direct' ? shared : contextSize * sequences;
    return inspectModel(file, { cells, cacheType, gpu });
  };
  const target = await inspected(targetFile, 1);
  const draft = draftFile && (await inspected(draftFile, beamWidth));
  const runs = !target.refusal && !draft?.refusal;
  return {
    target,
    draft,
    pair: runs && draftFile ? match(targetFile, draftFile) : undefined,
    contextSize,
    memory: runs ? together([target, draft], machine) : undefined,
    machine,
  };
}

async function readFile(name: string, options: InspectOptions): Promise<GgufFile> {
  const found = await findModel(name, options);
  return typeof found === 'string' ? readGgufFile(found) : readRemoteGguf(found, options);
}

async function inspectModel(
  file: GgufFile,
  { gpu, ...context }: { cells: number; cacheType: CacheType | undefined; gpu: Gpu },
): Promise<InspectedModel> {
  const insights = await insightsOf(file.info, file.source, gpu);
  const refusal = refusalOf(() => {
    refuseUnfit(file, insights.weightBytes);
    insights.refuse();
  });
  return {
    facts: factsOf(file, insights, await chatTemplateFacts(file)),
    refusal,
    memory: refusal === undefined ? await insights.memory(context) : undefined,
  };
}

function refusalOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof ModelFileError) return error.message;
    throw error;
  }
}

function match(target: GgufFile, draft: GgufFile): InspectedPair {
  const [t, d] = [target, draft].map(({ source, info }) => ({
    path: source,
    vocabulary: vocabularyOf(info),
  }));
  try {
    return { ...checkPair(t!, d!), difference: undefined };
  } catch (error) {
    if (error instanceof PairMismatchError) return { sharedTokens: 0, difference: error.message, notes: [] };
    throw error;
  }
}

function together(
  models: readonly (InspectedModel | undefined)[],
  { memory }: Machine,
): Inspection['memory'] {
  const needs = models.flatMap((model) =>
    model?.memory ? [model.memory.weights, model.memory.context] : [],
  );
  const ram = needs.reduce((sum, need) => sum + need.ram, 0);
  const vram = needs.reduce((sum, need) => sum + need.vram, 0);
  const fits = ram <= memory.ram.total && vram <= memory.vram.total && ram + vram <= capacityOf(memory);
  return { ram, vram, fits };
}
