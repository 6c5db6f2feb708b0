import type { ChalkInstance } from 'chalk';
import { ratios } from '../../generation/counters.js';
import type { GenerationResult } from '../../generation/events.js';
import { definitionOf } from '../../strategies/index.js';
import type { Run } from './json.js';

/** A few lines for people: what came out, how fast, and what the draft model was good for. */
export function statsText(
  run: Pick<Run, 'settings' | 'promptTokens'>,
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
  if (counters.emitted > 0)
    lines.push(`time: draft ${share(draft)}, verify ${share(verify)}, own ${share(own)}`);
  const quality = perplexity === null ? '' : `perplexity ${figure(perplexity, 2)}, `;
  lines.push(`${quality}seed ${run.settings.seed}, ended by ${finishReason}`);
  return lines.map((line) => `${colors.dim(line)}\n`).join('');
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
