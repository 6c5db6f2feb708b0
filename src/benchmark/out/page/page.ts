import type { BenchmarkReport } from '../../report.js';
import { columnsOf } from '../columns.js';
import { acceptanceByPosition } from './acceptance.js';
import { definitions, table } from './blocks.js';
import { figure } from './chart.js';
import { conditions } from './conditions.js';
import { type Html, html } from './html.js';
import { isRecommended } from './naming.js';
import { opening } from './opening.js';
import { speedAgainstQuality } from './speed-quality.js';
import { styleOf } from './style.js';
import { textsSideBySide } from './texts.js';
import { tokenTime } from './token-time.js';
import { wholePage } from './whole-page.js';

/** The report as one HTML page that needs nothing else, runs nothing and can reach nothing else. */
export function reportPage(report: BenchmarkReport): string {
  const charts = [speedAgainstQuality(report), acceptanceByPosition(report), tokenTime(report)];
  const { target, draft } = report.models;
  return wholePage({
    title: `mtad benchmark: ${target.file}${draft ? ` with ${draft.file}` : ''}`,
    style: styleOf(report.contenders),
    content: html`${opening(report)}
${charts.map(figure)}
${tableOfAll(report)}
${textsSideBySide(report)}
${conditions(report)}
${HOW_TO_READ}`,
  });
}

function tableOfAll(report: BenchmarkReport): Html {
  const columns = columnsOf(report);
  return html`<section id="all">
<h2>All figures</h2>
${table({
  caption: 'All contenders',
  heads: columns,
  rows: report.contenders.map((one) => ({
    isMarked: isRecommended(one, report),
    cells: columns.map(({ value, range }) => ({ text: value(one), small: range?.(one) ?? '' })),
  })),
})}
<div class="legend">${definitions(columns.map(({ head, meaning }) => [head, meaning]))}</div>
</section>`;
}

const HOW_TO_READ = html`<section>
<h2>How to read this</h2>
<p>Where two intervals overlap, no difference is shown: another handful of prompts could turn it round. Under five
prompts there are no intervals.</p>
<p>A low perplexity alone can be had by repeating, since a text that says the same again and again is likely to any
model: it counts only where distinct-2 has not fallen with it.</p>
</section>`;
