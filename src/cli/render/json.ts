import snakecaseKeys from 'snakecase-keys';
import { ratios } from '../../generation/counters.js';
import { usesDraftModel } from '../../generation/draft-source.js';
import type { EffectiveSettings, GenerationResult, KnownCosts } from '../../generation/events.js';
import type { Pair } from '../../models/pair.js';
import { definitionOf } from '../../strategies/index.js';
import type { CostCurve } from '../../tuning/cost-curves.js';
import type { Quality } from '../../tuning/quality-budget.js';
import type { Repetition } from '../../tuning/repetition-budget.js';
import type { FinishReason } from '../../types.js';
import { VERSION } from '../../version.js';

/** The facts of a run for its JSON. */
export interface Run {
  readonly pair: Pair;
  /** The chat template of the prompt; undefined: none. */
  readonly template: { readonly name: string } | undefined;
  readonly settings: EffectiveSettings;
  readonly runtime: {
    /** Tokens. */
    readonly contextSize: number;
    readonly system?: string | undefined;
    readonly threads?: number | undefined;
    readonly draftThreads?: number | undefined;
    readonly verifyCache?: number | undefined;
    readonly cacheType?: string | undefined;
    readonly flashAttn: string;
    readonly gpu: string;
    readonly gpuLayers?: number | undefined;
    readonly draftGpuLayers?: number | undefined;
    /** Its path, or its text. */
    readonly grammar?: string | undefined;
    /** Its path, or its text. */
    readonly jsonSchema?: string | undefined;
    readonly profileInUse?: { readonly path: string } | undefined;
  };
  /** The costs by which the draft length was chosen; undefined = the length was fixed. */
  readonly costs?: KnownCosts | undefined;
  readonly promptTokens: number;
  readonly loadMs: number;
}

/** Returns every setting under its name on the command line; null = the engine chooses. */
export function paramsJson({ pair, template, settings, runtime }: Run): object {
  const { grammar: _, chatTemplate: __, think, perplexity, ...plain } = settings; // grammar and template are shown as they were given
  return {
    ...snakecaseKeys({ ...plain, strategy: definitionOf(settings.strategy).name }, { deep: false }),
    grammar: runtime.grammar ?? null,
    json_schema: runtime.jsonSchema ?? null,
    perplexity,
    engine: pair.engine.name,
    chat_template: template?.name ?? null,
    think: template ? think : null,
    system: (template && runtime.system) ?? null,
    ctx_size: runtime.contextSize,
    threads: runtime.threads ?? null,
    draft_threads: runtime.draftThreads ?? null,
    cache_type: runtime.cacheType ?? null,
    flash_attn: runtime.flashAttn,
    gpu: runtime.gpu,
    gpu_layers: runtime.gpuLayers ?? null,
    draft_gpu_layers: runtime.draftGpuLayers ?? null,
    verify_cache: runtime.verifyCache ?? null,
    profile: runtime.profileInUse?.path ?? null,
  };
}

/** What the object of --json tells of a text, also of one that broke off. Null: not known. */
export type WrittenText = Omit<GenerationResult, 'finishReason' | 'prefillMs' | 'evaluated'> & {
  readonly finishReason: FinishReason | 'error';
  readonly prefillMs: number | null;
};

/** Returns the object of --json. Times are in milliseconds. Null: not measured, or it does not apply. */
export function resultJson(run: Run, result: WrittenText): object {
  const { pair, settings } = run;
  const { counters, prefillMs, firstTokenMs } = result;
  const { tokensPerSecond, blockEfficiency, acceptanceRate, perplexity } = ratios(counters);
  const { draft, verify, own, decode } = counters.ms; // `wait` is that of --verify-cache: a command writes one text at a time
  return {
    schema: 1,
    text: result.text,
    reasoning: result.reasoning,
    tokens: result.tokens,
    finish_reason: result.finishReason,
    grammar_complete: result.grammarComplete,
    strategy: definitionOf(settings.strategy).name,
    engine: pair.engine.name,
    device: pair.engine.backend,
    model: pair.targetHeader.path,
    draft: draftOf(run),
    prompt_tokens: run.promptTokens,
    completion_tokens: result.tokens.length,
    timing_ms: {
      load: rounded(run.loadMs),
      prefill: prefillMs === null ? null : rounded(prefillMs),
      decode: rounded(decode),
      draft: rounded(draft),
      verify: rounded(verify),
      own: rounded(own),
      first_token: firstTokenMs === null ? null : rounded(firstTokenMs),
    },
    tokens_per_second: tokensPerSecond,
    speculation: {
      target_passes: counters.targetPasses,
      draft_passes: counters.draftPasses,
      drafted: counters.drafted,
      accepted: counters.accepted,
      block_efficiency: blockEfficiency,
      acceptance_rate: acceptanceRate,
      drafted_by_position: counters.draftedByPosition,
      accepted_by_position: counters.acceptedByPosition,
      by_source: counters.bySource,
    },
    perplexity,
    quality: result.quality && qualityJson(result.quality),
    repetition: result.repetition && repetitionJson(result.repetition),
    drift: result.drift,
    cache_check: result.cacheCheck,
    pass_costs: run.costs ? costsJson(run.costs) : null,
    remote: trafficJson(pair),
    params: paramsJson(run),
    versions: { mtad: VERSION, node: process.versions.node, ...pair.engine.versions },
  };
}

function trafficJson({ traffic }: Pair): object | null {
  return traffic ? snakecaseKeys({ ...traffic() }) : null;
}

function qualityJson({ threshold, perplexityRatio, isAtLimit }: Quality): object {
  return { threshold, perplexity_ratio: perplexityRatio, at_limit: isAtLimit };
}

function repetitionJson({ share, beamWidth, isAtLimit }: Repetition): object {
  return { share, beam_width: beamWidth, at_limit: isAtLimit };
}

/** Milliseconds of a pass, by its number of rows. */
function costsJson({ target, draft, measuredMs }: KnownCosts): object {
  const byRows = (curve: CostCurve) => Object.fromEntries(curve.map(({ rows, ms }) => [rows, rounded(ms)]));
  return {
    measured_ms: measuredMs === null ? null : rounded(measuredMs),
    target: byRows(target),
    draft: draft ? byRows(draft) : null,
  };
}

/** The source of the drafts: the file of the draft model, 'mtp', 'lookup' or 'corpus'; null: nothing was drafted. */
function draftOf({ pair, settings }: Run): string | null {
  const { draftFrom } = settings;
  if (!usesDraftModel({ ...settings, draftFrom: 'model' })) return pair.draftHeader?.path ?? null;
  return draftFrom === 'model' ? (pair.draftHeader?.path ?? null) : draftFrom;
}

/** One line of JSON Lines. */
export function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
