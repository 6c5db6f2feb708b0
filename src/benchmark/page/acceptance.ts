import { strategyNamed } from '../../strategies/index.js';
import { strategyOf } from '../names.js';
import type { BenchmarkReport, ContenderSummary } from '../report.js';
import { numberTable } from './blocks.js';
import { axis, type Chart } from './chart.js';
import { html } from './html.js';
import { displayName, familyOf } from './naming.js';

/** A line each; those of one family differ by their dashes, and where these repeat, by their strength. */
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];
const WIDTHS = [2, 4, 1];

export function acceptanceByPosition({ contenders }: BenchmarkReport): Chart {
  const drafting = contenders.filter(
    (one) => one.acceptanceByPosition.length > 0 && (strategyNamed(strategyOf(one))?.mayRefuse ?? true),
  );
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
    height: `--lines: ${drafting.length}`,
    config: drafting.length > 0 ? lines(drafting, positions, nameOf) : null,
  };
}

function lines(
  drafting: readonly ContenderSummary[],
  positions: readonly string[],
  nameOf: (one: ContenderSummary) => string,
): object {
  const families = drafting.map(familyOf);
  return {
    type: 'line',
    data: {
      labels: positions,
      datasets: drafting.map((one, i) => {
        const { name, color, mark } = families[i]!;
        const before = families.slice(0, i).filter((family) => family.name === name).length;
        return {
          label: nameOf(one),
          data: one.acceptanceByPosition,
          borderColor: color,
          backgroundColor: color,
          borderDash: DASHES[before % DASHES.length],
          borderWidth: WIDTHS[Math.floor(before / DASHES.length) % WIDTHS.length],
          pointStyle: mark,
          pointRadius: 4,
          pointBorderWidth: 1,
        };
      }),
    },
    options: {
      plugins: { legend: { labels: { pointStyle: 'line', pointStyleWidth: 36 } } },
      scales: { x: axis('position in the draft'), y: axis('accepted', { min: 0, max: 1 }) },
    },
  };
}
