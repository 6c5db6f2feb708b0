import type { BenchmarkReport, Estimate } from '../../report.js';
import { cellOf, columnsOf, digits } from '../columns.js';
import type { Chart, Picture } from './chart.js';
import { type Html, html } from './html.js';
import { apart, type Box, MARK, placeLabels } from './labels.js';
import { displayName, type Family, familyOf, isRecommended } from './naming.js';
import { paretoFront, type SpeedAndQuality } from './pareto.js';
import { lineAt, markAt, round, scale, textAt, textWidth, ticks } from './svg.js';

interface Mark extends SpeedAndQuality {
  readonly name: string;
  readonly family: Family;
  /** The recommended one. */
  readonly isBest: boolean;
  /** Line by line. */
  readonly facts: string;
  readonly speed: Estimate;
  readonly quality: Estimate;
}

const SIZE = 12; // of text, pixels

/** Each contender at its speed and the perplexity of its text. */
export function speedAgainstQuality(report: BenchmarkReport): Chart {
  const marks = marksOf(report);
  const front = paretoFront(marks);
  return {
    id: 'speed-quality',
    title: 'Speed against quality',
    label: `Scatter chart of ${marks.length} contenders, tokens per second against perplexity. Pareto front: ${listed(front)}.`,
    caption: [...explanation(marks, front), ...omissions(report, marks)],
    legend: legend(marks),
    figures: null,
    draw: marks.length > 0 ? (width) => scatter(marks, front, width) : null,
  };
}

/** Those whose speed and perplexity are known, the recommended one first. */
function marksOf(report: BenchmarkReport): Mark[] {
  return report.contenders
    .flatMap((one) => {
      const { tokensPerSecond: speed, perplexity: quality } = one;
      if (!speed || !quality) return [];
      const isBest = isRecommended(one, report);
      const name = displayName(one, report.contenders);
      const facts = columnsOf(report).map((column) => `${column.head}: ${cellOf(column, one)}`);
      return {
        tokensPerSecond: speed.value,
        perplexity: quality.value,
        name,
        family: familyOf(one),
        isBest,
        facts: facts.join('\n'),
        speed,
        quality,
      };
    })
    .sort((a, b) => Number(b.isBest) - Number(a.isBest));
}

function explanation(marks: readonly Mark[], front: readonly Mark[]): Html[] {
  if (marks.length === 0) return [html`No contender has both a speed and a perplexity.`];
  const intervals = marks.some(({ speed, quality }) => speed.low !== null || quality.low !== null)
    ? ' Lines through a mark are 95 % intervals over prompts.'
    : null;
  const best = marks.some(({ isBest }) => isBest) ? ' The ring is around the recommended one.' : null;
  return [
    html`Each mark is a contender: the further right the faster, the lower the likelier its text is to the target
model, be it for repeating itself (see distinct-2 below).${intervals}${best} Marks that would hide each other stand side by
side. Those without a name have no room for it here: the table below has all figures.`,
    html`The dashed line is the Pareto front, along which more speed costs a higher perplexity, intervals left aside: ${listed(front)}.`,
  ];
}

function omissions({ contenders }: BenchmarkReport, marks: readonly Mark[]): Html[] {
  const leftOut = contenders.filter(({ tokensPerSecond, perplexity }) => !tokensPerSecond || !perplexity);
  return marks.length > 0 && leftOut.length > 0
    ? [
        html`Left out, for want of a speed or a perplexity: ${leftOut.map((one) => displayName(one, contenders)).join('; ')}.`,
      ]
    : [];
}

function listed(marks: readonly Mark[]): string {
  return marks.map(({ name }) => name).join('; ');
}

function legend(marks: readonly Mark[]): Html {
  const families = new Map(marks.map(({ family }) => [family.name, family]));
  return html`<ul class="key">${[...families.values()].map(
    ({ name, color, mark }) =>
      html`<li><svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">${markAt(mark, color, 0, 0)}</svg>${name}</li>`,
  )}</ul>`;
}

function scatter(marks: readonly Mark[], front: readonly Mark[], width: number): Picture {
  const height = width < 600 ? 380 : 460;
  const xs = ticks(...rangeOf(marks.map(({ speed }) => speed)), width < 600 ? 4 : 8);
  const ys = ticks(...rangeOf(marks.map(({ quality }) => quality)), 6);
  const left = 14 + Math.max(...ys.map((y) => textWidth(tickText(y), SIZE)));
  const area: Box = { left, right: width - 16, top: 26, bottom: height - 44 };
  const x = scale([xs[0]!, xs.at(-1)!], [area.left, area.right]);
  const y = scale([ys[0]!, ys.at(-1)!], [area.bottom, area.top]);
  const real = marks.map((one) => ({ x: x(one.tokensPerSecond), y: y(one.perplexity) }));
  const shown = apart(real, area);
  const order = [...marks.keys()].sort(
    (a, b) => Number(front.includes(marks[b]!)) - Number(front.includes(marks[a]!)),
  );
  const ordered = [0, ...order.filter((i) => i !== 0)]; // the recommended one is the first
  const texts = marks.map((mark) => labelOf(mark, area.right - area.left));
  const boxes = placeLabels(
    ordered.map((i) => ({
      ...shown[i]!,
      width: widthOf(texts[i]!, marks[i]!),
    })),
    area,
  );
  return {
    width,
    height,
    content: [
      ...ys.map((value) => lineAt(area.left, y(value), area.right, y(value), 'grid')),
      ...ys.map((value) => textAt(tickText(value), area.left - 6, y(value) + 4, 'tick end')),
      ...xs.map((value) => textAt(tickText(value), x(value), area.bottom + 18, 'tick middle')),
      lineAt(area.left, area.bottom, area.right, area.bottom, 'axis'),
      textAt('perplexity of the text (lower is better)', 2, 13, 'tick'),
      textAt('tokens per second (higher is better)', (area.left + area.right) / 2, height - 6, 'tick middle'),
      ...marks.flatMap(({ speed, quality }, i) => [
        ...(quality.low === null
          ? []
          : [lineAt(real[i]!.x, y(quality.low), real[i]!.x, y(quality.high!), 'interval')]),
        ...(speed.low === null
          ? []
          : [lineAt(x(speed.low), real[i]!.y, x(speed.high!), real[i]!.y, 'interval')]),
      ]),
      html`<polyline class="front" points="${front.map((one) => `${round(x(one.tokensPerSecond))},${round(y(one.perplexity))}`).join(' ')}"/>`,
      ...marks.map(({ family, isBest, facts }, i) => {
        const at = shown[i]!;
        return html`<g data-mark="${i}"><title>${facts}</title>${lineAt(real[i]!.x, real[i]!.y, at.x, at.y, 'leader')}${
          isBest ? html`<circle class="ring" cx="${round(at.x)}" cy="${round(at.y)}" r="${MARK + 2}"/>` : null
        }${markAt(family.mark, family.color, at.x, at.y)}</g>`;
      }),
      ...ordered.flatMap((i, place) => {
        const box = boxes[place];
        if (!box) return [];
        return textAt(
          texts[i]!,
          box.left,
          (box.top + box.bottom) / 2 + 4,
          marks[i]!.isBest ? 'name best' : 'name',
        );
      }),
    ],
  };
}

/** Of the recommended one as much as the picture has room for. */
function labelOf(mark: Mark, room: number): string {
  const { name, isBest } = mark;
  if (!isBest) return name;
  const texts = [`${name}, recommended`, name, 'recommended'];
  return texts.find((text) => widthOf(text, mark) < room) ?? '';
}

function widthOf(text: string, { isBest }: Mark): number {
  return textWidth(text, SIZE) * (isBest ? 1.1 : 1); // in bold letters
}

/** From the lowest bound to the highest. */
function rangeOf(estimates: readonly Estimate[]): [number, number] {
  const lows = estimates.map(({ value, low }) => low ?? value);
  const highs = estimates.map(({ value, high }) => high ?? value);
  return [Math.min(...lows), Math.max(...highs)];
}

function tickText(value: number): string {
  return Number.isInteger(value) ? `${value}` : digits(value);
}
