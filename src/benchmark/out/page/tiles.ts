import { PLAIN } from '../../../strategies/index.js';
import type { BenchmarkReport, ContenderSummary, Estimate } from '../../report.js';
import { digits, rangeText } from '../columns.js';
import { type Html, html } from './html.js';
import { isRecommended } from './naming.js';

interface Tile {
  readonly value: string;
  /** Of the value. */
  readonly unit: string;
  /** Its interval, or why there is none. */
  readonly small: string;
}

/** What the recommended setting gives, in three figures: how many times as fast, how good, at what energy. Null: none is recommended. */
export function tiles(report: BenchmarkReport): Html | null {
  const one = report.contenders.find((contender) => isRecommended(contender, report));
  if (!one) return null;
  return html`<ul class="tiles">${[speed(one), quality(one, report), energy(one, report)].map(
    ({ value, unit, small }) => html`<li><b>${value}</b> ${unit}<span class="range">${small}</span></li>`,
  )}</ul>`;
}

function speed({ speedUp, tokensPerSecond }: ContenderSummary): Tile {
  const { autoregressive: times } = speedUp;
  if (times)
    return {
      value: `${times.value.toFixed(2)} ×`,
      unit: 'as fast as plain decoding',
      small: interval(times),
    };
  return tokensPerSecond
    ? { value: digits(tokensPerSecond.value), unit: 'tokens/s', small: interval(tokensPerSecond) }
    : { value: '-', unit: 'speed', small: 'not measured' };
}

function quality({ perplexity, engine }: ContenderSummary, { contenders }: BenchmarkReport): Tile {
  if (!perplexity) return { value: '-', unit: 'perplexity of its text', small: 'not measured' };
  const plain = contenders.filter(({ strategy, role }) => strategy === PLAIN.name && role === 'strategy');
  const other = (plain.find((one) => one.engine === engine) ?? plain[0])?.perplexity;
  const beside = other ? `; plain decoding ${other.value.toFixed(2)}` : '';
  return {
    value: perplexity.value.toFixed(2),
    unit: 'perplexity of its text',
    small: `${interval(perplexity)}${beside}`,
  };
}

function energy({ joulesPerToken: joules }: ContenderSummary, { energy }: BenchmarkReport): Tile {
  if (!joules)
    return { value: '-', unit: 'J per token', small: `not measured: ${energy.reason ?? 'no counter'}` };
  const { net, gross } = joules;
  return net === null
    ? { value: digits(gross), unit: 'J per token', small: 'idle power included' }
    : { value: digits(net), unit: 'J per token', small: `without idle power; ${digits(gross)} with it` };
}

function interval(estimate: Estimate): string {
  const range = rangeText(estimate);
  return range === '' ? 'too few prompts for an interval' : range;
}
