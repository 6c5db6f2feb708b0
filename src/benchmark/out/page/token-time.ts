import type { BenchmarkReport, ContenderSummary } from '../../report.js';
import { digits } from '../columns.js';
import { numberTable } from './blocks.js';
import type { Chart, Picture } from './chart.js';
import { html } from './html.js';
import { displayName } from './naming.js';
import { lineAt, round, scale, textAt, textWidth, ticks } from './svg.js';

const PARTS = ['draft', 'verify', 'own'] as const;

type Timed = ContenderSummary & { readonly msPerToken: NonNullable<ContenderSummary['msPerToken']> };

/** Bars of the time that an emitted token takes: the shorter the faster. */
export function tokenTime({ contenders }: BenchmarkReport): Chart {
  const timed = contenders.filter((one): one is Timed => one.msPerToken !== null);
  const nameOf = (one: ContenderSummary) => displayName(one, contenders);
  return {
    id: 'token-time',
    title: 'Where the time of a token goes',
    label: `Stacked bars of ${timed.length} contenders: milliseconds per emitted token in the draft model, in the target model and in mtad itself.`,
    caption: [
      timed.length > 0
        ? html`Time per emitted token in the draft model (draft), in the target model (verify) and in mtad itself (own),
all texts together: the shorter the bar, the faster.`
        : html`No contender tells where its time goes.`,
    ],
    legend: html`<ul class="key">${PARTS.map(
      (part) =>
        html`<li><svg width="14" height="14" aria-hidden="true"><rect width="14" height="14" style="fill:var(--${part})"/></svg>${part}</li>`,
    )}</ul>`,
    figures:
      timed.length > 0
        ? numberTable(
            'Milliseconds per token',
            ['setting', ...PARTS, 'together'],
            timed.map((one) => [
              nameOf(one),
              ...[...PARTS.map((part) => one.msPerToken[part]), wholeOf(one)].map(digits),
            ]),
          )
        : null,
    draw: timed.length > 0 ? (width) => bars(timed, nameOf, width) : null,
  };
}

function wholeOf({ msPerToken }: Timed): number {
  return PARTS.reduce((sum, part) => sum + msPerToken[part], 0);
}

/** The name of a bar stands before it, on a narrow page above it. */
function bars(timed: readonly Timed[], nameOf: (one: ContenderSummary) => string, width: number): Picture {
  const isNarrow = width < 600;
  const row = isNarrow ? 44 : 28;
  const left = isNarrow ? 4 : 12 + Math.max(...timed.map((one) => textWidth(nameOf(one), 12)));
  const right = width - 70; // room for the figure
  const bottom = 6 + row * timed.length;
  const marks = ticks(0, Math.max(...timed.map(wholeOf)), isNarrow ? 4 : 6);
  const x = scale([0, marks.at(-1)!], [left, right]);
  return {
    width,
    height: bottom + 42,
    content: [
      ...marks.map((value) => lineAt(x(value), 4, x(value), bottom, 'grid')),
      ...marks.map((value) => textAt(`${value}`, x(value), bottom + 16, 'tick middle')),
      textAt('ms per token', (left + right) / 2, bottom + 36, 'tick middle'),
      ...timed.flatMap((one, i) => {
        const top = 6 + row * i + (isNarrow ? 20 : 5);
        let from = 0;
        const parts = PARTS.map((part) => {
          const start = x(from);
          from += one.msPerToken[part];
          return html`<rect x="${round(start)}" y="${top}" width="${round(x(from) - start)}" height="16" style="fill:var(--${part})"/>`;
        });
        const name = isNarrow
          ? textAt(nameOf(one), left, top - 6, 'name')
          : textAt(nameOf(one), left - 8, top + 12, 'name end');
        return [name, ...parts, textAt(digits(wholeOf(one)), x(from) + 6, top + 12, 'tick')];
      }),
    ],
  };
}
