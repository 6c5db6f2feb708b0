import type { ChalkInstance } from 'chalk';
import type { Traffic } from '../../engine/remote/connection.js';
import { quotient, ratios } from '../../generation/counters.js';
import type { GenerationResult, KnownCosts } from '../../generation/events.js';
import type { Pair } from '../../models/pair.js';
import { definitionOf } from '../../strategies/index.js';
import type { Quality } from '../../tuning/quality-budget.js';
import { type Repetition, USUAL_SHARE } from '../../tuning/repetition-budget.js';
import type { Run } from './json.js';

/** Returns the figures of a text, for people: tokens, speed, accepted drafts, costs and quality. */
export function statsText(
  run: Pick<Run, 'settings' | 'promptTokens' | 'costs'> & { readonly pair?: Pick<Pair, 'traffic'> },
  result: GenerationResult,
  colors: ChalkInstance,
): string {
  const { counters, finishReason, prefillMs, firstTokenMs } = result;
  const { tokensPerSecond, blockEfficiency, acceptanceRate, perplexity } = ratios(counters);
  const { draft, verify, own } = counters.ms;
  const decodeMs = draft + verify + own;
  const share = (ms: number) => percent(ms / decodeMs);
  const lines = [
    `${definitionOf(run.settings.strategy).name}: ${counters.emitted} tokens in ${seconds(decodeMs)}, ${figure(tokensPerSecond, 1)} tokens/s` +
      ` (prompt ${run.promptTokens} tokens in ${seconds(prefillMs)}, first token after ${firstTokenMs === null ? '-' : seconds(firstTokenMs)})`,
  ];
  if (counters.drafted > 0) {
    const byPosition = counters.acceptedByPosition.map((n, i) => percent(n / counters.draftedByPosition[i]!));
    lines.push(
      `${counters.accepted} of ${counters.drafted} drafted tokens accepted, ${percent(acceptanceRate!)} (by position ${byPosition.join(' ')});` +
        ` ${figure(blockEfficiency, 2)} tokens per target pass`,
    );
  }
  const sources = Object.entries(counters.bySource).map(
    ([name, { steps, drafted, accepted }]) => `${name} ${accepted} of ${drafted} in ${steps} steps`,
  );
  if (sources.length > 0) lines.push(`accepted by source: ${sources.join('; ')}`);
  if (counters.emitted > 0)
    lines.push(`time: draft ${share(draft)}, verify ${share(verify)}, own ${share(own)}`);
  const traffic = run.pair?.traffic?.();
  if (traffic) lines.push(trafficLine(traffic));
  if (run.costs) lines.push(lengthLine(run.costs, quotient(counters.drafted, counters.steps)));
  if (result.quality) lines.push(qualityLine(result.quality, run.settings.quality ?? 1));
  if (result.repetition)
    lines.push(repetitionLine(result.repetition, run.settings.repetition ?? USUAL_SHARE));
  const quality = perplexity === null ? '' : `perplexity ${figure(perplexity, 2)}, `;
  lines.push(`${quality}seed ${run.settings.seed}, ended by ${finishReason}`);
  return lines.map((line) => `${colors.dim(line)}\n`).join('');
}

function trafficLine({ url, roundTrips, bytesSent, bytesReceived }: Traffic): string {
  const [sent, received] = [bytesSent, bytesReceived].map((bytes) => `${Math.ceil(bytes / 1000)} kB`);
  return `target at ${url}: ${roundTrips} round trips, ${sent} sent, ${received} received`;
}

/** Returns the reason for the draft length. @param drafted tokens per step */
function lengthLine({ target, draft }: KnownCosts, drafted: number | null): string {
  const wide = target.find(({ rows }) => rows >= 5) ?? target.at(-1)!;
  const costs = [
    `a pass takes ${target[0]!.ms.toFixed(2)} ms for 1 token`,
    `${wide.ms.toFixed(2)} ms for ${wide.rows}`,
    ...(draft ? [`of the draft model ${draft.at(-1)!.ms.toFixed(2)} ms`] : []),
  ].join(', ');
  return `${figure(drafted, 1)} tokens drafted per step, as many as pay: ${costs}`;
}

function qualityLine({ threshold, perplexityRatio, isAtLimit }: Quality, asked: number): string {
  const limit = isAtLimit ? ', as far as the threshold can go' : '';
  return (
    `perplexity ${perplexityRatio.toFixed(2)} times that of sampling at the same places, ` +
    `${asked} asked for; threshold ${threshold.toPrecision(2)} in the end${limit}`
  );
}

function repetitionLine({ share, beamWidth, isAtLimit }: Repetition, asked: number): string {
  const compared = isAtLimit ? 'more than' : 'at most';
  return `${percent(share)} of the 4-grams repeated, ${compared} ${percent(asked)}; beam width ${beamWidth} in the end`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function percent(ratio: number): string {
  return `${Math.round(100 * ratio)} %`;
}

function figure(value: number | null, digits: number): string {
  return value === null ? '-' : value.toFixed(digits);
}
