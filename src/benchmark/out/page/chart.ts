import { type Html, html } from './html.js';

/** A chart and what is said about it. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  /** What a screen reader says in place of the picture. */
  readonly label: string;
  /** Paragraphs. */
  readonly caption: readonly Html[];
  /** Which mark is which. */
  readonly legend: Html | null;
  /** A table of what the picture shows. */
  readonly figures: Html | null;
  /** The picture in SVG, so many pixels wide; null: nothing to draw. Colours are custom properties of the style sheet. */
  readonly draw: ((width: number) => Picture) | null;
}

export interface Picture {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly content: readonly Html[];
}

/** Wide pages and narrow ones get a picture each, so that its text keeps its size. The style sheet shows one of them. */
const WIDTHS = { wide: 880, narrow: 358 };

export function figure({ id, title, label, caption, legend, figures, draw }: Chart): Html {
  const pictures = draw && Object.entries(WIDTHS).map(([name, width]) => svg(draw(width), name, label));
  return html`<section id="${id}">
<h2>${title}</h2>
<figure>
${pictures}
${pictures && legend}
<figcaption>${caption.map((text) => html`<p>${text}</p>`)}</figcaption>
</figure>
${figures && html`<details><summary>The figures</summary>${figures}</details>`}
</section>`;
}

function svg({ width, height, content }: Picture, name: string, label: string): Html {
  return html`<svg class="${name}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${label}">${content}</svg>`;
}
