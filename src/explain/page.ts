import { Html, html } from '../benchmark/out/page/html.js';
import { styleOf } from '../benchmark/out/page/style.js';
import { wholePage } from '../benchmark/out/page/whole-page.js';
import { sum } from '../math/sum.js';
import type { Guess, JudgedRun, JudgedStep } from './judged-run.js';
import { STYLE } from './style.js';

/** A run as one HTML page that needs nothing else, runs nothing and can reach nothing else: its text, and each step for itself. */
export function explainPage(run: JudgedRun): string {
  return wholePage({
    title: `mtad explain: ${run.file}`,
    style: styleOf([]) + STYLE,
    content: html`${opening(run)}
<section>
<h2>The text</h2>
${KEY}
<p class="text">${inLine(run.steps.map(inText))}</p>
</section>
<section id="steps">
<h2>Step by step</h2>
<p class="small">${reading(run)}</p>
${run.steps.map((step, i) => stepSection(step, i, run))}
</section>`,
  });
}

/** By a limit, a stop string or a token that ends texts: the trace does not tell how long the block was. */
const ENDED = 'A block was accepted; the text ended within it, or at its end.';

const KEY = html`<ul class="key">
<li><span class="accepted">drafted, accepted</span></li>
<li><span class="rejected">drafted, rejected</span></li>
<li><span class="own">of the target</span></li>
</ul>
<p class="small">Choose a token to see its step.</p>`;

function opening({ file, strategy, params, promptTokens, steps, cutOff }: JudgedRun): Html {
  const drafted = sum(steps, ({ guesses }) => guesses.filter(({ isLikeliest }) => isLikeliest).length);
  const accepted = sum(steps, ({ guesses }) => guesses.filter(({ isAccepted }) => isAccepted).length);
  const tokens = accepted + steps.filter(({ own }) => own !== undefined).length;
  const { threshold, draft_length: draftLength } = params;
  return html`<header>
<p class="kicker">mtad explain</p>
<h1>${file}</h1>
<p class="when">${strategy}, draft length ${draftLength}, threshold ${threshold}; a prompt of ${promptTokens} tokens</p>
<p class="recommendation">${tokens} tokens in ${steps.length} steps, ${(tokens / steps.length).toFixed(2)} a pass of the target; ${accepted} of
${drafted} drafted tokens in a row accepted.</p>
${cutOff === null ? null : html`<p class="note"><strong>Incomplete.</strong> The run ended in the middle of line ${cutOff}.</p>`}
</header>`;
}

function reading({ isJoint }: JudgedRun): string {
  return isJoint
    ? 'Q is the joint log-probability of the tokens up to here under the draft model, P under the target. The longest block is accepted ' +
        'whose P - Q reaches ln tau, tau being the threshold; Q is that of the likeliest beam at the same depth. A shorter block may fail where a longer one passes.'
    : 'Q is the joint log-probability of the tokens up to here under the draft model, P under the target. This strategy judges by a rule of ' +
        'its own, token by token or by chance, and not by a threshold.';
}

/** What a step added, and what it refused of the likeliest beam. */
function inText({ index, guesses, own }: JudgedStep): Html {
  const shown = guesses.filter(({ isAccepted, isLikeliest }) => isAccepted || isLikeliest);
  const accepted = shown.filter(({ isAccepted }) => isAccepted);
  const rejected = shown.filter(({ isAccepted }) => !isAccepted);
  return html`<a href="#step-${index}" title="step ${index + 1}">${inLine([...accepted, ...rejected].map(token))}${own === undefined ? null : html`<span class="own">${own}</span>`}</a>`;
}

function token({ text, isAccepted }: Guess): Html {
  return isAccepted ? html`<span class="accepted">${text}</span>` : html`<s class="rejected">${text}</s>`;
}

function stepSection(step: JudgedStep, place: number, run: JudgedRun): Html {
  const { index, guesses, own, threshold } = step;
  const accepted = guesses.filter(({ isAccepted }) => isAccepted).length;
  const depth = Math.max(0, ...guesses.map((guess) => guess.depth));
  const [before, after] = [run.steps[place - 1], run.steps[place + 1]];
  const link = (other: JudgedStep | undefined, words: string) =>
    other && html`<a href="#step-${other.index}">${words}</a>`;
  return html`<details name="step"${place === 0 ? new Html(' open') : null}>
<summary>Step ${index + 1}: ${accepted} of ${depth} accepted <span class="block">${inBlock(step)}</span></summary>
<div id="step-${index}">
${guesses.length === 0 ? html`<p>Nothing was drafted: the target chose a token by itself.</p>` : judgements(step, run.isJoint)}
<p>${verdict(step, run.isJoint)}${own === undefined ? null : html` Then the target chose <span class="own">${own}</span>.`}</p>
<p class="small">${threshold === undefined ? null : `tau ${threshold}, ln tau ${number(Math.log(threshold))}. `}${link(before, '← the step before') ?? null} ${link(after, 'the next step →') ?? null}</p>
</div>
</details>`;
}

function inBlock({ guesses, own }: JudgedStep): Html {
  const kept = guesses.filter(({ isAccepted }) => isAccepted);
  return html`${inLine(kept.map(token))}${own === undefined ? null : html`<span class="own">${own}</span>`}`;
}

function verdict({ guesses, threshold, own }: JudgedStep, isJoint: boolean): string {
  const accepted = guesses.filter(({ isAccepted }) => isAccepted);
  const last = accepted.at(-1);
  if (guesses.length === 0) return '';
  if (own === undefined) return ENDED; // what is kept of the block need not reach ln tau by itself
  if (!isJoint || threshold === undefined)
    return accepted.length === 0
      ? 'No drafted token was accepted.'
      : `${accepted.length} drafted tokens were accepted.`;
  if (!last) return `No block reached ${number(Math.log(threshold))}: nothing was accepted.`;
  return `The longest block that reached ln tau has ${last.depth} ${last.depth === 1 ? 'token' : 'tokens'}: P - Q = ${number(last.logRatio)} ≥ ${number(Math.log(threshold))}.`;
}

function judgements({ guesses, threshold }: JudgedStep, isJoint: boolean): Html {
  const isJudged = isJoint && threshold !== undefined;
  const hasSources = guesses.some(({ from }) => from !== undefined);
  const heads = [
    'token',
    ...(hasSources ? ['source'] : []),
    'q',
    'p',
    'Q',
    'P',
    'P - Q',
    ...(isJudged ? ['reaches ln tau'] : []),
  ];
  const rows = guesses.map((guess) => {
    const { from, depth, logQ, logP, jointLogQ, jointLogP, logRatio } = guess;
    const figures = [percent(logQ), percent(logP), number(jointLogQ), number(jointLogP), number(logRatio)];
    const passes = isJudged ? [logRatio >= Math.log(threshold) ? 'yes' : 'no'] : [];
    return html`<tr${guess.isLikeliest ? new Html(' class="likeliest"') : null}>
<th scope="row"><span class="branch" style="--depth: ${depth - 1}">${token(guess)}</span></th>
${[...(hasSources ? [from ?? ''] : []), ...figures, ...passes].map((figure) => html`<td class="right">${figure}</td>`)}
</tr>`;
  });
  return html`<div class="scroll" role="region" aria-label="How the guesses were judged" tabindex="0">
<table>
<thead><tr>${heads.map((head, i) => html`<th scope="col"${i === 0 ? null : new Html(' class="right"')}>${head}</th>`)}</tr></thead>
<tbody>
${rows}
</tbody>
</table>
</div>`;
}

/** Pieces of a text, which no line break is to part. */
function inLine(parts: readonly Html[]): Html {
  return new Html(parts.map(({ markup }) => markup).join(''));
}

function percent(log: number): string {
  return `${(Math.exp(log) * 100).toFixed(1)} %`;
}

function number(log: number): string {
  return Number.isFinite(log) ? log.toFixed(2).replace('-', '−') : log > 0 ? '∞' : '−∞';
}
