import { type Html, html } from './html.js';

/**
 * A chart and what is said about it. In `config`, which Chart.js reads in the browser, a colour is the name of a
 * custom property of the style sheet, so that light, dark and paper each have their own.
 */
export interface Chart {
  readonly id: string;
  readonly title: string;
  readonly label: string; // what a screen reader says in place of the picture
  readonly caption: readonly Html[]; // paragraphs
  readonly figures: Html | null; // a table of what the picture shows
  readonly height: string | null; // '--rows: n' of bars or '--lines: n' to be named below; null: the usual one
  readonly config: object | null; // null: nothing to draw
}

export function figure({ id, title, label, caption, figures, height, config }: Chart): Html {
  const canvas = html`<div class="chart"${height && html` style="${height}"`}><canvas id="${id}" role="img" aria-label="${label}"></canvas></div>`;
  return html`<section>
<h2>${title}</h2>
<figure>
${config ? canvas : null}
<figcaption>${caption.map((text) => html`<p>${text}</p>`)}</figcaption>
</figure>
${figures && html`<details><summary>The figures</summary>${figures}</details>`}
</section>`;
}

export function axis(text: string, more: object = {}): object {
  return { title: { display: true, text }, ...more };
}
