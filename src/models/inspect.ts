import { capacityOf, inspectMachine, type Machine } from '../engine/llama/machine.js';
import type { MemoryNeed } from '../engine/llama/memory-need.js';
import { insightsOf, type MemoryOptions, type ModelMemory } from '../engine/llama/model-insights.js';
import type { EngineName, Gpu } from '../engine/port.js';
import type { CacheType } from '../engine/runtime-options.js';
import { ModelFileError, PairMismatchError, UsageError } from '../errors.js';
import { MOST_GUESSES, MOST_TAKEN_BACK } from '../tuning/step-costs.js';
import type { Asking } from './ask.js';
import { checkPair } from './check-pair.js';
import { chatTemplateFacts, factsOf, type ModelFacts } from './facts.js';
import { fileInfoOf } from './file-info.js';
import { type GgufFile, readGgufFile } from './gguf-file.js';
import { vocabularyOf } from './header.js';
import { refuseUnfit } from './refusals.js';
import { readRemoteGguf } from './remote-gguf.js';
import { EMBEDDED_PAIR, findModel } from './resolve.js';
import { usualContextSize } from './usual-context.js';

/** The models to inspect, and the settings to reckon their memory for. */
export interface InspectOptions extends Asking {
  /** The target model: a path, a name in `modelsDir`, or an address. Without target and draft: the embedded pair. */
  readonly model?: string | undefined;
  readonly draft?: string | undefined;
  readonly modelsDir?: string | undefined;
  /** Whether the network is forbidden. */
  readonly offline?: boolean | undefined;
  /** Context size in tokens; undefined: see `usualContextSize`. */
  readonly contextSize?: number | undefined;
  readonly cacheType?: CacheType | undefined;
  /** Tokens drafted in each step, >= 1; 'auto': as many as pay. */
  readonly draftLength: number | 'auto';
  /** Number of beams, >= 1. */
  readonly beamWidth: number;
  readonly gpu: Gpu;
}

/** Facts about one or two models: whether they make a pair, and whether this machine can run them. */
export interface Inspection {
  readonly target: InspectedModel;
  readonly draft: InspectedModel | undefined;
  /** Undefined for one model alone, and where a model is refused. */
  readonly pair: InspectedPair | undefined;
  /** The context size that `memory` is for, in tokens. */
  readonly contextSize: number;
  readonly memory: { readonly ram: number; readonly vram: number; readonly fits: boolean } | undefined;
  readonly machine: Machine;
}

/** Facts about one model. */
export interface InspectedModel {
  readonly facts: ModelFacts;
  /** The reason why the model cannot run; undefined: it can. */
  readonly refusal: string | undefined;
  /** Undefined for a model that is refused. */
  readonly memory: ModelMemory | undefined;
  /** Of its drafting head, where that drafts; undefined: it has none, it cannot be used, or a draft model is given. */
  readonly headMemory: MemoryNeed | undefined;
}

/** Whether two models share their tokens. */
export interface InspectedPair {
  /** Token ids below this number stand for the same text in both models; 0: the models do not make a pair. */
  readonly sharedTokens: number;
  /** The first difference that prevents a pair; undefined: the models make a pair. */
  readonly difference: string | undefined;
  /** Differences that change no text. Each is one sentence. */
  readonly notes: readonly string[];
}

const NONE: MemoryNeed = { ram: 0, vram: 0 };

/**
 * Collects the facts about a model or a pair before it runs. Of files on a server only the headers are read.
 * A model that cannot run, or two that make no pair, are findings in the result, not errors.
 * @throws UsageError; ModelFileError for a file whose header cannot be read
 */
export async function inspect(options: InspectOptions): Promise<Inspection> {
  const { beamWidth, draftLength, cacheType, gpu } = options;
  const names = options.model || options.draft ? options : EMBEDDED_PAIR;
  if (!names.model) throw new UsageError('A draft model is given, but no target model: add one with `model`');
  const targetFile = await readFile(names.model, options);
  const draftFile = names.draft ? await readFile(names.draft, options) : undefined;
  const machine = await inspectMachine(gpu);

  const contextSize = usualContextSize(contextLengthOf(targetFile), options.contextSize);
  const inspected = (file: GgufFile, { branches, spare, judges }: Use) => {
    const guesses = draftLength === 'auto' ? MOST_GUESSES : draftLength;
    const shared = contextSize + (branches - 1) * guesses; // beams have the text in common
    const cells = machine.engine === 'direct' ? shared : contextSize * branches;
    const takenBack = draftLength === 'auto' ? MOST_TAKEN_BACK : draftLength;
    const size = { cells, sequences: branches + spare, rollback: judges ? takenBack : 0 };
    const head = judges && !draftFile ? { cells: contextSize + (beamWidth - 1) * guesses } : undefined;
    return inspectModel(file, machine.engine, { ...size, cacheType, gpu, head });
  };
  const target = await inspected(targetFile, { branches: 1, spare: 1, judges: true });
  const draft = draftFile && (await inspected(draftFile, { branches: beamWidth, spare: 2, judges: false }));
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

/** What a model's context is for; see `openCache`. */
interface Use {
  readonly branches: number;
  /** Sequences beside those of the branches, where recurrent layers keep states. */
  readonly spare: number;
  /** Whether it judges drafts, and has to take tokens back. */
  readonly judges: boolean;
}

async function readFile(name: string, options: InspectOptions): Promise<GgufFile> {
  const found = await findModel(name, options);
  return typeof found === 'string' ? readGgufFile(found) : readRemoteGguf(found, options);
}

async function inspectModel(
  file: GgufFile,
  engine: EngineName,
  { gpu, head, ...context }: MemoryOptions & { gpu: Gpu; head: { cells: number } | undefined },
): Promise<InspectedModel> {
  const insights = await insightsOf(fileInfoOf(file), file.source, gpu);
  const refusal = refusalOf(() => {
    refuseUnfit(file);
    insights.refuse(engine);
  });
  const facts = runnableHead(await factsOf(file, insights, await chatTemplateFacts(file)), engine);
  const runs = refusal === undefined;
  const isHeadUsed = runs && head && facts.head?.problem === undefined;
  const layers = (isHeadUsed && facts.head?.layers) || 0;
  return {
    facts,
    refusal,
    memory: runs ? await insights.memory(context) : undefined,
    headMemory:
      layers > 0
        ? ofEach(layers, (await insights.memory({ ...context, ...head, sequences: 0, layers })).context)
        : undefined,
  };
}

/** Each layer of a head has a context, and llama.cpp gives each of these room for all layers. */
function ofEach(layers: number, { ram, vram }: MemoryNeed): MemoryNeed {
  return { ram: layers * ram, vram: layers * vram };
}

/** The facts with the reason why the engine that would run the model cannot use its head. */
function runnableHead(facts: ModelFacts, engine: EngineName): ModelFacts {
  const { head, source } = facts;
  if (!head || head.problem !== undefined || engine === 'direct') return facts;
  return {
    ...facts,
    head: {
      ...head,
      problem: `the drafting head of ${source} needs the engine direct, which does not run here`,
    },
  };
}

function contextLengthOf({ metadata }: GgufFile): number {
  return metadata.number(metadata.own('context_length')) ?? 0;
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
  const [t, d] = [target, draft].map(({ source, metadata }) => ({
    path: source,
    vocabulary: vocabularyOf(metadata),
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
    model?.memory ? [model.memory.weights, model.memory.context, model.headMemory ?? NONE] : [],
  );
  const ram = needs.reduce((sum, need) => sum + need.ram, 0);
  const vram = needs.reduce((sum, need) => sum + need.vram, 0);
  const fits = ram <= memory.ram.total && vram <= memory.vram.total && ram + vram <= capacityOf(memory);
  return { ram, vram, fits };
}
