import type { BenchmarkReport, ModelFacts } from '../../report.js';
import { type Html, html } from './html.js';
import { tiles } from './tiles.js';

/** What a reader must know before any figure: which models, when, whether all of it is here, and the upshot. */
export function opening(report: BenchmarkReport): Html {
  const { models, started, seconds, machine, versions } = report;
  const { target, draft } = models;
  return html`<header>
<p class="kicker">mtad benchmark</p>
<h1>${target.file}${draft && html` <span class="with">with</span> ${draft.file}`}</h1>
<p class="when"><time datetime="${started}">${when(started)}</time>, ${lasting(seconds)}, on ${machine.cpu}; mtad ${versions.mtad}</p>
${report.complete ? null : INCOMPLETE}
${caveat('target', target)}
${draft && caveat('draft', draft)}
<p class="recommendation">${report.recommendation}</p>
${tiles(report)}
</header>`;
}

const INCOMPLETE = html`<p class="note"><strong>Incomplete: the run ended early.</strong> What had been finished by then is here.</p>`;

function caveat(role: string, { file, caveat }: ModelFacts): Html | null {
  return caveat === null
    ? null
    : html`<p class="note"><strong>Caveat.</strong> The ${role} model, ${file}: ${caveat}</p>`;
}

const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });

function when(started: string): string {
  return `${DATE.format(new Date(started))} UTC`;
}

function lasting(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
