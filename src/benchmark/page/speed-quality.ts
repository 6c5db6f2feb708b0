import { columnsOf } from '../columns.js';
import type { BenchmarkReport, ContenderSummary } from '../report.js';
import { axis, type Chart } from './chart.js';
import { type Html, html } from './html.js';
import { displayName, type Family, familyOf } from './naming.js';
import { paretoFront, type SpeedAndQuality } from './pareto.js';

interface Mark extends SpeedAndQuality {
  readonly name: string;
  readonly family: Family;
  readonly facts: readonly string[];
  readonly interval: { readonly low: number; readonly high: number } | null; // of the perplexity
}

export function speedAgainstQuality(report: BenchmarkReport): Chart {
  const marks = marksOf(report);
  const front = paretoFront(marks);
  return {
    id: 'speed-quality',
    title: 'Speed against quality',
    label: `Scatter chart of ${marks.length} contenders, tokens per second against perplexity. Pareto front: ${listed(front)}.`,
    caption: [...explanation(marks, front), ...omissions(report, marks)],
    figures: null,
    height: null,
    config: marks.length > 0 ? scatter(marks, front) : null,
  };
}

/** Those whose speed and perplexity are known. */
function marksOf(report: BenchmarkReport): Mark[] {
  return report.contenders.flatMap((one) => {
    const { tokensPerSecond, perplexity } = one;
    if (!tokensPerSecond || !perplexity) return [];
    const { value, low, high } = perplexity;
    return {
      tokensPerSecond: tokensPerSecond.mean,
      perplexity: value,
      name: displayName(one, report.contenders),
      family: familyOf(one),
      facts: facts(one, report),
      interval: low === null || high === null ? null : { low, high },
    };
  });
}

/** What the table says of a contender, line by line. */
function facts(one: ContenderSummary, report: BenchmarkReport): string[] {
  const columns = columnsOf(report).filter(({ head }) => head !== 'setting');
  return columns.map(({ head, cell }) => `${head}: ${cell(one)}`);
}

function explanation(marks: readonly Mark[], front: readonly Mark[]): Html[] {
  if (marks.length === 0) return [html`No contender has both a speed and a perplexity.`];
  const intervals = marks.some(({ interval }) => interval)
    ? ' Vertical lines are 95 % intervals over prompts.'
    : null;
  return [
    html`Each mark is a contender: the further right the faster, the lower the likelier its text is to the target
model, be it for repeating itself (see distinct-2 below).${intervals}`,
    html`The dashed line is the Pareto front, along which more speed costs a higher perplexity: ${listed(front)}.`,
  ];
}

function omissions({ contenders }: BenchmarkReport, marks: readonly Mark[]): Html[] {
  const names = contenders.map((one) => displayName(one, contenders));
  const leftOut = names.filter((name) => !marks.some((mark) => mark.name === name));
  return leftOut.length > 0
    ? [html`Left out, for want of a speed or a perplexity: ${leftOut.join('; ')}.`]
    : [];
}

function listed(marks: readonly Mark[]): string {
  return marks.map(({ name }) => name).join('; ');
}

function scatter(marks: readonly Mark[], front: readonly Mark[]): object {
  const families = new Map(marks.map(({ family }) => [family.name, family]));
  const bounds = marks.flatMap(({ interval }) => (interval ? [interval.low, interval.high] : []));
  return {
    type: 'scatter',
    data: {
      datasets: [...[...families.values()].map((family) => dataset(family, marks, front)), frontLine(front)],
    },
    options: {
      scales: {
        x: axis('tokens per second (higher is better)', { grace: '8%' }),
        y: axis('perplexity of the text (lower is better)', {
          grace: '5%',
          ...(bounds.length > 0 && { suggestedMin: Math.min(...bounds), suggestedMax: Math.max(...bounds) }),
        }),
      },
    },
  };
}

/** Chart.js needs x and y of a point; the rest is for the script of the page. */
function dataset(
  { name: label, color, mark }: Family,
  marks: readonly Mark[],
  front: readonly Mark[],
): object {
  const own = marks.filter(({ family }) => family.name === label);
  return {
    label,
    data: own.map((one) => {
      const { name, facts, interval } = one;
      return { ...position(one), name, facts, interval, isBest: front.includes(one) };
    }),
    backgroundColor: color,
    borderColor: color,
    pointStyle: mark,
    pointBorderWidth: 2,
    pointRadius: 6,
    pointHoverRadius: 8,
  };
}

function position({ tokensPerSecond: x, perplexity: y }: SpeedAndQuality): { x: number; y: number } {
  return { x, y };
}

function frontLine(front: readonly Mark[]): object {
  return {
    label: 'Pareto front',
    type: 'line',
    data: front.map(position),
    borderColor: '--muted',
    borderDash: [5, 4],
    borderWidth: 1.5,
    pointStyle: 'line',
    pointRadius: 0,
    pointHitRadius: 0,
    order: 1, // beneath the marks
  };
}
