import { digits } from '../columns.js';
import type { BenchmarkReport, ContenderSummary } from '../report.js';
import { numberTable } from './blocks.js';
import { axis, type Chart } from './chart.js';
import { html } from './html.js';
import { displayName } from './naming.js';

const PARTS = ['draft', 'verify', 'own'] as const;

type Timed = ContenderSummary & { readonly msPerStep: NonNullable<ContenderSummary['msPerStep']> };

export function stepTime({ contenders }: BenchmarkReport): Chart {
  const timed = contenders.filter((one): one is Timed => one.msPerStep !== null);
  const nameOf = (one: ContenderSummary) => displayName(one, contenders);
  return {
    id: 'step-time',
    title: 'Where the time of a step goes',
    label: `Stacked bars of ${timed.length} contenders: milliseconds per step in the draft model, in the target model and in mtad itself.`,
    caption: [
      timed.length > 0
        ? html`Mean time of a step in the draft model (draft), in the target model (verify) and in mtad itself (own). A
longer bar is not slower by itself: a step may yield several tokens.`
        : html`No contender tells where its time goes.`,
    ],
    figures:
      timed.length > 0
        ? numberTable(
            'Milliseconds per step',
            ['setting', ...PARTS, 'together'],
            timed.map((one) => {
              const parts = PARTS.map((part) => one.msPerStep[part]);
              return [nameOf(one), ...[...parts, parts.reduce((a, b) => a + b)].map(digits)];
            }),
          )
        : null,
    height: `--rows: ${timed.length}`,
    config: timed.length > 0 ? bars(timed, nameOf) : null,
  };
}

function bars(timed: readonly Timed[], nameOf: (one: ContenderSummary) => string): object {
  return {
    type: 'bar',
    data: {
      labels: timed.map(nameOf),
      datasets: PARTS.map((part) => ({
        label: part,
        data: timed.map(({ msPerStep }) => msPerStep[part]),
        backgroundColor: `--${part}`,
        borderColor: '--paper',
        borderWidth: { right: 1 },
        borderSkipped: false,
        maxBarThickness: 20,
      })),
    },
    options: {
      indexAxis: 'y',
      interaction: { mode: 'index', axis: 'y' },
      plugins: { legend: { labels: { pointStyle: 'rect' } } },
      scales: {
        x: axis('ms per step', { stacked: true }),
        y: { stacked: true, grid: { display: false }, ticks: { autoSkip: false } },
      },
    },
  };
}
