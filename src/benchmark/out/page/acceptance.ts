import type { BenchmarkReport, ContenderSummary } from '../../report.js';
import { numberTable } from './blocks.js';
import type { Chart, Picture } from './chart.js';
import { type Html, html } from './html.js';
import { displayName, familyOf } from './naming.js';
import { lineAt, markAt, round, scale, textAt } from './svg.js';

/** A line each; those of one family differ by their dashes, and where these repeat, by their strength. */
const DASHES = ['none', '7 4', '2 3', '9 3 2 3'];
const WIDTHS = [2, 4, 1];

export function acceptanceByPosition({ contenders }: BenchmarkReport): Chart {
  const drafting = contenders.filter((one) => one.acceptanceByPosition.length > 0 && one.traits?.mayRefuse);
  const longest = Math.max(0, ...drafting.map(({ acceptanceByPosition: rates }) => rates.length));
  const positions = Array.from({ length: longest }, (_, i) => `${i + 1}`);
  const nameOf = (one: ContenderSummary) => displayName(one, contenders);
  return {
    id: 'acceptance',
    title: 'Acceptance by draft position',
    label: `Line chart of ${drafting.length} contenders: the share of drafted tokens that were kept at each position of the draft.`,
    caption: [
      drafting.length > 0
        ? html`Of the steps whose draft reached a position, the share that kept it. Where a line is low, a draft that
long is mostly wasted.`
        : html`No contender drafted anything for another to judge, or none tells what was accepted.`,
    ],
    legend: html`<ul class="key">${drafting.map(
      (one, i) =>
        html`<li><svg width="36" height="14" aria-hidden="true">${lookOf(drafting, i, '1,7 35,7')}${markOf(one, 18, 7)}</svg>${nameOf(one)}</li>`,
    )}</ul>`,
    figures:
      drafting.length > 0
        ? numberTable(
            'Accepted by draft position',
            ['setting', ...positions],
            drafting.map((one) => [
              nameOf(one),
              ...positions.map((_, i) => one.acceptanceByPosition[i]?.toFixed(2) ?? '-'),
            ]),
          )
        : null,
    draw: drafting.length > 0 ? (width) => lines(drafting, positions, width) : null,
  };
}

function lines(drafting: readonly ContenderSummary[], positions: readonly string[], width: number): Picture {
  const height = width < 600 ? 300 : 360;
  const [left, right, top, bottom] = [40, width - 16, 26, height - 44];
  const x = scale([-0.3, positions.length - 0.7], [left, right]);
  const y = scale([0, 1], [bottom, top]);
  const shares = [0, 0.2, 0.4, 0.6, 0.8, 1];
  const seldom = Math.ceil(positions.length / (width < 600 ? 16 : 32)); // not every position has room for its number
  return {
    width,
    height,
    content: [
      ...shares.map((share) => lineAt(left, y(share), right, y(share), 'grid')),
      ...shares.map((share) => textAt(share.toFixed(1), left - 6, y(share) + 4, 'tick end')),
      ...positions.flatMap((name, i) => (i % seldom ? [] : textAt(name, x(i), bottom + 18, 'tick middle'))),
      textAt('accepted', 2, 13, 'tick'),
      textAt('position in the draft', (left + right) / 2, height - 6, 'tick middle'),
      ...drafting.flatMap((one, i) => {
        const points = one.acceptanceByPosition.flatMap((rate, at) =>
          rate === null ? [] : [{ x: x(at), y: y(rate) }],
        );
        return [
          lookOf(drafting, i, points.map((point) => `${round(point.x)},${round(point.y)}`).join(' ')),
          ...points.map((point) => markOf(one, point.x, point.y)),
        ];
      }),
    ],
  };
}

function markOf(one: ContenderSummary, x: number, y: number): Html {
  const { mark, color } = familyOf(one);
  return markAt(mark, color, x, y, 0.8);
}

/** The line of a contender through some points. */
function lookOf(drafting: readonly ContenderSummary[], i: number, points: string): Html {
  const { name, color } = familyOf(drafting[i]!);
  const before = drafting.slice(0, i).filter((one) => familyOf(one).name === name).length;
  const dash = DASHES[before % DASHES.length]!;
  const width = WIDTHS[Math.floor(before / DASHES.length) % WIDTHS.length]!;
  return html`<polyline points="${points}" fill="none" style="stroke:var(${color});stroke-width:${width};stroke-dasharray:${dash}"/>`;
}
