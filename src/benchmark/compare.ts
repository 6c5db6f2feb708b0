import type { EarlierReport } from './out/json.js';
import type { BenchmarkReport, Estimate } from './report.js';
import { speedOf, speedUp } from './summary.js';

/** A contender in both reports. */
export interface Change {
  readonly name: string;
  readonly engine: string;
  /** Speed in tokens/s. Where both reports have texts of the same prompts, only these count, since prompts differ more than runs. */
  readonly speed: Pairing;
  /** Speed-up over autoregressive. */
  readonly speedUp: Pairing;
  readonly perplexity: Pairing;
}

/** A figure in both reports. */
export interface Pairing {
  readonly then: Estimate | null;
  readonly now: Estimate | null;
  /** Whether the 95 % intervals overlap; null where an interval is not known. */
  readonly agrees: boolean | null;
}

export interface Comparison {
  /** The contenders of both reports. */
  readonly changes: readonly Change[];
  /** Reasons why the figures may not be comparable. */
  readonly warnings: readonly string[];
  /** The contenders of only one report. */
  readonly only: readonly string[];
}

/** Compares a report with an earlier one. */
export function compare(now: BenchmarkReport, then: EarlierReport): Comparison {
  const keyOf = (one: { name: string; engine: string }) => `${one.name} (${one.engine})`;
  const earlier = new Map(then.contenders.map((one) => [keyOf(one), one]));
  const factorOf = ({ name, engine }: { name: string; engine: string }) => {
    const isOwn = (text: { contender: string; engine: string }) =>
      text.contender === name && text.engine === engine;
    const [texts, earlier] = [now, then].map(({ generations }) => generations.filter(isOwn));
    return haveSamePrompts(texts!, earlier!) ? speedUp(texts!, earlier!) : null;
  };
  const both = now.contenders.filter((one) => earlier.has(keyOf(one)));
  const changes = both.map((one): Change => {
    const old = earlier.get(keyOf(one))!;
    return {
      name: one.name,
      engine: one.engine,
      speed: { ...pairing(speedIn(then, old), speedIn(now, one)), ...judged(factorOf(one)) },
      speedUp: pairing(old.speedUp.autoregressive, one.speedUp.autoregressive),
      perplexity: pairing(old.perplexity, one.perplexity),
    };
  });
  const known = new Set(both.map(keyOf));
  const only = [...new Set([...now.contenders, ...then.contenders].map(keyOf))].filter(
    (key) => !known.has(key),
  );
  return { changes, warnings: differences(now, then), only };
}

/** Returns a speed from the texts of a report, or from its figure where the report has no texts. */
function speedIn(
  { generations }: Pick<EarlierReport, 'generations'>,
  { name, engine, tokensPerSecond }: EarlierReport['contenders'][number],
): Estimate | null {
  const own = generations.filter((text) => text.contender === name && text.engine === engine);
  return own.length > 0 ? speedOf(own) : tokensPerSecond;
}

function pairing(then: Estimate | null, now: Estimate | null): Pairing {
  const bounds = [then?.low, then?.high, now?.low, now?.high];
  const known = bounds.every((bound) => typeof bound === 'number');
  return { then, now, agrees: known ? then!.low! <= now!.high! && now!.low! <= then!.high! : null };
}

/** Returns whether two lists of texts have the same prompts, as far as ids and lengths tell. */
function haveSamePrompts(some: EarlierReport['generations'], others: EarlierReport['generations']): boolean {
  const lengths = new Map(others.map(({ prompt, promptTokens }) => [prompt, promptTokens]));
  return some.every(({ prompt, promptTokens }) => (lengths.get(prompt) ?? promptTokens) === promptTokens);
}

/** Returns whether the factor between two runs may be 1; nothing where it is not known. */
function judged(factor: Estimate | null): { agrees?: boolean } {
  if (!factor || factor.low === null || factor.high === null) return {};
  return { agrees: factor.low <= 1 && 1 <= factor.high };
}

function differences(now: BenchmarkReport, then: EarlierReport): string[] {
  const facts = ({ models, machine, versions, conditions: c, complete }: EarlierReport) => ({
    mtad: versions.mtad,
    'llama.cpp': versions.llamaCpp,
    'target model': models.target.file,
    'draft model': models.draft?.file ?? 'none',
    processor: machine.cpu,
    backend: machine.backend,
    GPUs: machine.gpus && (machine.gpus.join(', ') || 'none'),
    threads: c.threads ?? 'by model and device',
    'threads of the draft model': asked(c.draftThreads),
    'layers on the GPU': asked(c.gpuLayers),
    'layers of the draft model on the GPU': asked(c.draftGpuLayers),
    context: asked(c.contextSize),
    'KV cache': asked(c.cacheType),
    'flash attention': asked(c.flashAttention),
    prompts: `${c.used} (${c.prompts})`,
    'chat template': c.chatTemplate ?? 'none',
    'control tokens in prompts': c.special ? 'by name' : 'none',
    'tokens per text': `${c.maxTokens}${c.ignoreEos ? ', ends ignored' : ''}`,
    temperature: c.temperature,
    'top-k': c.topK,
    'top-p': c.topP,
    seed: c.seed,
    completeness: complete ? 'complete' : 'incomplete',
  });
  const [old, current] = [facts(then), facts(now)];
  return (Object.keys(old) as (keyof typeof old)[])
    .filter((key) => old[key] !== undefined && old[key] !== current[key])
    .map((key) => `${key}: ${old[key]} then, ${current[key]} now`);
}

/** @returns undefined where a report does not have it */
function asked(value: string | number | boolean | null | undefined): string | undefined {
  return value === null ? 'not asked for' : value?.toString();
}
