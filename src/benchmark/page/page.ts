import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { columnsOf } from '../columns.js';
import type { BenchmarkReport } from '../report.js';
import { acceptanceByPosition } from './acceptance.js';
import { definitions, table } from './blocks.js';
import { figure } from './chart.js';
import { conditions } from './conditions.js';
import { Html, html, jsonFor } from './html.js';
import { opening } from './opening.js';
import { SCRIPT } from './script.js';
import { speedAgainstQuality } from './speed-quality.js';
import { stepTime } from './step-time.js';
import { STYLE } from './style.js';

/** The report as one HTML page that needs nothing else, and can reach nothing else. */
export async function reportPage(report: BenchmarkReport): Promise<string> {
  const charts = [speedAgainstQuality(report), acceptanceByPosition(report), stepTime(report)];
  const drawn = charts.flatMap(({ id, config }) => (config ? [{ id, config }] : []));
  const scripts = [await chartLibrary(), SCRIPT];
  const { target, draft } = report.models;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>mtad benchmark: ${target.file}${draft && ` with ${draft.file}`}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
${opening(report)}
<p class="note undrawn">The charts need JavaScript, which does not run here. The tables hold their figures.</p>
${charts.map(figure)}
${tableOfAll(report)}
${conditions(report)}
${HOW_TO_READ}
</main>
<script type="application/json" id="charts">${jsonFor(drawn)}</script>
${scripts.map((script) => html`<script>${new Html(script)}</script>`)}
</body>
</html>
`.markup;
}

/** Nothing is loaded, from anywhere, and of scripts only these run. */
function policy(scripts: readonly string[]): string {
  const hashes = scripts.map((script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  return `default-src 'none'; script-src ${hashes.join(' ')}; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'`;
}

/** Chart.js, its licence included. */
async function chartLibrary(): Promise<string> {
  const folder = dirname(createRequire(import.meta.url).resolve('chart.js'));
  const source = await readFile(join(folder, 'chart.umd.min.js'), 'utf8');
  return source.replace(/^\/\/# sourceMappingURL=.*$/m, '');
}

function tableOfAll(report: BenchmarkReport): Html {
  const columns = columnsOf(report);
  return html`<section id="all">
<h2>All figures</h2>
${table({
  caption: 'All contenders',
  heads: columns,
  rows: report.contenders.map((one) => columns.map(({ cell }) => cell(one))),
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
