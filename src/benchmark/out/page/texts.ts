import { perplexity, tokensPerSecond } from '../../../generation/counters.js';
import type { BenchmarkReport, ContenderSummary, Generation } from '../../report.js';
import { digits } from '../columns.js';
import { Html, html } from './html.js';
import { displayName, isRecommended } from './naming.js';

/** The most prompts whose texts are shown, so that the page stays light. */
const MOST = 24;

/** Characters of a prompt beside its name. */
const EXCERPT = 60;

/** The texts of all contenders side by side, for the prompt that the reader opens. */
export function textsSideBySide(report: BenchmarkReport): Html | null {
  const written = new Set(report.generations.map(({ prompt }) => prompt));
  const prompts = report.prompts.filter(({ id }) => written.has(id));
  if (prompts.length === 0) return null;
  const left = prompts.length - MOST;
  return html`<section id="texts">
<h2>The texts, side by side</h2>
<p class="small">Choose a prompt. Each contender's first text for it, with its own speed and perplexity${left > 0 ? `; the texts of ${left} more prompts are in the JSON` : ''}.</p>
${prompts.slice(0, MOST).map(({ id, text }, i) => {
  const texts = report.generations.filter(({ prompt, repetition }) => prompt === id && repetition === 0);
  return html`<details name="texts"${i === 0 ? new Html(' open') : null}>
<summary>${id}: <bdi>${excerpt(text)}</bdi></summary>
<blockquote dir="auto">${text}</blockquote>
<div class="side">${report.contenders.map((one) => card(one, texts, report))}</div>
</details>`;
})}
</section>`;
}

function card(one: ContenderSummary, texts: readonly Generation[], report: BenchmarkReport): Html {
  const own = texts.find(({ contender, engine }) => contender === one.name && engine === one.engine);
  const isBest = isRecommended(one, report);
  return html`<article${isBest ? new Html(' class="chosen"') : null}>
<h3>${displayName(one, report.contenders)}${isBest ? html` <span class="range">recommended</span>` : null}</h3>
${own ? html`<p class="small">${figures(own)}</p><p class="written" dir="auto">${own.text}</p>` : html`<p class="small">not written: the run ended before</p>`}
</article>`;
}

function figures({ tokens, ms, logProbSum, finishReason }: Generation): string {
  const speed = tokensPerSecond(tokens.length, ms.decode);
  const quality = logProbSum === null ? null : perplexity(logProbSum, tokens.length);
  return [
    `${tokens.length} tokens`,
    ...(speed === null ? [] : [`${digits(speed)} tokens/s`]),
    ...(quality === null ? [] : [`perplexity ${digits(quality)}`]),
    `ended by ${finishReason}`,
  ].join(', ');
}

function excerpt(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  const characters = [...line];
  return characters.length > EXCERPT ? `${characters.slice(0, EXCERPT - 1).join('')}…` : line;
}
