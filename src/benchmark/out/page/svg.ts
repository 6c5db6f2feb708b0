import { type Html, html } from './html.js';

/** Width of a text in pixels, at most: in the widest of the usual sans-serif fonts (DejaVu Sans). */
export function textWidth(text: string, size: number): number {
  return size * [...text].reduce((sum, letter) => sum + widthOf(letter), 0);
}

const WIDTHS: readonly [pattern: RegExp, em: number][] = [
  [/[ijlI.,:;'|!()[\]]/, 0.4],
  [/[ frt/-]/, 0.45],
  [/[mwMW@%]/, 1],
  [/[A-Z=+<>~#&]/, 0.84],
  [/[\u0021-\u024f]/, 0.64],
];

function widthOf(letter: string): number {
  return WIDTHS.find(([pattern]) => pattern.test(letter))?.[1] ?? 1.1;
}

/** From values to pixels. */
export type Scale = (value: number) => number;

export function scale([low, high]: readonly [number, number], [from, to]: readonly [number, number]): Scale {
  return (value) => from + ((value - low) / (high - low || 1)) * (to - from);
}

/** Round numbers from the first below `low` to the first above `high`, about so many. */
export function ticks(low: number, high: number, count: number): number[] {
  const rough = (high - low || Math.abs(high) || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999)!;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: Math.max(1, last - first) + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** Outlines of marks around a point, five pixels to each side. */
const MARKS: Readonly<Record<string, string>> = {
  circle: 'M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z',
  square: 'M-4.5 -4.5h9v9h-9z',
  diamond: 'M0 -5L5 0L0 5L-5 0z',
  triangle: 'M0 -5L5 4.5L-5 4.5z',
  wedge: 'M0 5L5 -4.5L-5 -4.5z',
  cross: 'M-4 -4L4 4M4 -4L-4 4',
  star: 'M-5 0H5M0 -5V5M-3.5 -3.5L3.5 3.5M3.5 -3.5L-3.5 3.5',
};

/** A mark that is `size` times as large, in a colour of the style sheet. */
export function markAt(mark: string, color: string, x: number, y: number, size = 1): Html {
  return html`<path class="mark" d="${MARKS[mark] ?? MARKS.circle!}" transform="translate(${round(x)} ${round(y)}) scale(${size})" style="fill:var(${color});stroke:var(${color})"/>`;
}

export function textAt(text: string, x: number, y: number, look: string): Html {
  return html`<text x="${round(x)}" y="${round(y)}" class="${look}">${text}</text>`;
}

export function lineAt(x1: number, y1: number, x2: number, y2: number, look: string): Html {
  return html`<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" class="${look}"/>`;
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
