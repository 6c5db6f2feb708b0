import { type Html, html } from './html.js';

/** Terms with what there is to say about each; null: nothing, and the term is left out. */
export function definitions(entries: readonly (readonly [string, Html | string | number | null])[]): Html {
  const told = entries.filter(([, text]) => text !== null);
  return html`<dl>${told.map(([term, text]) => html`<div><dt>${term}</dt><dd>${text}</dd></div>`)}</dl>`;
}

export interface Table {
  readonly caption: string;
  readonly heads: readonly { readonly head: string; readonly align: 'left' | 'right' }[];
  readonly rows: readonly Row[];
}

interface Row {
  /** The recommended one. */
  readonly isMarked?: boolean;
  /** The first names the row. */
  readonly cells: readonly Cell[];
}

interface Cell {
  readonly text: string;
  /** In a line of its own below. */
  readonly small?: string;
}

/** In a box of its own, which scrolls sideways where the table is wider than the page. */
export function table({ caption, heads, rows }: Table): Html {
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
<table>
<caption>${caption}</caption>
<thead><tr>${heads.map(({ head, align }) => html`<th scope="col" class="${align}">${head}</th>`)}</tr></thead>
<tbody>${rows.map(({ cells: [name, ...cells], isMarked }) => {
    const mark = isMarked ? html`<span class="range">recommended</span>` : null;
    return html`<tr${isMarked ? html` class="best"` : null}><th scope="row">${name!.text}${mark}</th>${cells.map(
      ({ text, small }, i) =>
        html`<td class="${heads[i + 1]!.align}">${text}${small ? html` <span class="range">${small}</span>` : null}</td>`,
    )}</tr>`;
  })}</tbody>
</table>
</div>`;
}

/** A table of figures in which every column but the first is of numbers. */
export function numberTable(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): Html {
  return table({
    caption,
    heads: heads.map((head, i) => ({ head, align: i === 0 ? 'left' : 'right' })),
    rows: rows.map((cells) => ({ cells: cells.map((text) => ({ text })) })),
  });
}
