import type { Look } from '../../../strategies/definition.js';
import type { Contender } from '../../report.js';
import { colorName } from './naming.js';

/** Custom properties of the strategies that have a look of their own. */
function strategyColors(contenders: readonly Contender[], colorOf: (look: Look) => string): string {
  const properties = contenders.flatMap(({ strategy, traits }) =>
    strategy !== null && traits?.look ? [`${colorName(strategy)}: ${colorOnly(colorOf(traits.look))};`] : [],
  );
  return [...new Set(properties)].join(' ');
}

/** What may stand in a colour, so that a strategy of a user's own can change nothing but its colour. */
function colorOnly(color: string): string {
  return color.replace(/[^\w#%.,()/ -]/g, '');
}

/** The page's style. Colours of strategies and parts are Okabe and Ito's, which the colour-blind can tell apart. */
export const styleOf = (contenders: readonly Contender[]) => `
:root {
  color-scheme: light dark;
  --sans: -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
  --serif: Charter, 'Bitstream Charter', 'Sitka Text', Cambria, Georgia, serif;
  --paper: #fff; --ink: #1c1f24; --muted: #5c6470; --rule: #dde0e5; --faint: #b4bac4;
  --accent: #0072b2; --warning: #b34700;
  ${strategyColors(contenders, ({ color }) => color)}
  --baseline: #1c1f24; --peer: #7a828f;
  --draft: #56b4e9; --verify: #68707d; --own: #e69f00;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #15171b; --ink: #e5e7eb; --muted: #a0a7b3; --rule: #32373f; --faint: #5a626f;
    --accent: #56b4e9; --warning: #f0904d;
    ${strategyColors(contenders, ({ darkColor }) => darkColor)}
    --baseline: #e5e7eb; --peer: #98a0ad;
    --verify: #7d8592;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 3rem 1.5rem 4rem; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.55 var(--serif);
  overflow-wrap: break-word;
}
main { max-width: 86rem; margin: 0 auto; }
p { max-width: 44rem; margin: 0 0 .6rem; }
h1, h2, h3, .kicker, .when, .note, .small, table, dl, summary, figcaption { font-family: var(--sans); }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.25; font-weight: 650; overflow-wrap: anywhere; }
h1 .with { color: var(--muted); font-weight: 400; }
h2 {
  margin: 3rem 0 1rem; padding-top: .8rem; border-top: 1px solid var(--rule);
  font-size: 1.2rem; font-weight: 650;
}
h3 { margin: 0 0 .5rem; font-size: .8rem; font-weight: 650; }
.kicker, .when, .small { color: var(--muted); font-size: .875rem; }
.kicker { margin: 0 0 .4rem; }
.when { margin: .5rem 0 0; }
.small { margin: .6rem 0 0; }
.note {
  max-width: 44rem; margin: 1.5rem 0 0; padding: .1rem 0 .1rem 1rem; border-left: 3px solid var(--warning);
  font-size: .9375rem; overflow-wrap: anywhere;
}
.note strong { color: var(--warning); }
.recommendation { max-width: 50rem; margin: 2rem 0 0; font-size: 1.45rem; line-height: 1.4; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 14rem), 1fr)); gap: 1rem; margin: 1.5rem 0 0; padding: 0; list-style: none; }
.tiles li { padding: .8rem 1rem; border: 1px solid var(--rule); border-radius: .4rem; font: .9375rem var(--sans); }
.tiles b { font-size: 1.6rem; font-weight: 650; }
figure { margin: 0; }
figcaption { margin-top: .8rem; color: var(--muted); font-size: .875rem; line-height: 1.5; }
.narrow { display: none; }
svg { display: block; max-width: 100%; height: auto; font: 12px var(--sans); overflow: visible; }
svg text { fill: var(--muted); }
svg .name { fill: var(--ink); stroke: var(--paper); stroke-width: 3px; paint-order: stroke; }
svg .best { font-weight: 650; }
svg .middle { text-anchor: middle; }
svg .end { text-anchor: end; }
svg .grid { stroke: var(--rule); }
svg .axis { stroke: var(--muted); }
svg .interval { stroke: var(--faint); stroke-width: 1.5; }
svg .leader { stroke: var(--muted); }
svg .front { fill: none; stroke: var(--muted); stroke-width: 1.5; stroke-dasharray: 5 4; }
svg .mark { stroke-width: 2; stroke-linejoin: round; }
svg .ring { fill: none; stroke: var(--accent); stroke-width: 2; }
.key { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: .8rem 0 0; list-style: none; font: .875rem var(--sans); }
.key li { display: flex; align-items: center; gap: .4rem; }
.key svg { flex: none; }
summary { margin-top: .6rem; color: var(--accent); font-size: .875rem; cursor: pointer; }
.scroll { overflow-x: auto; margin: .8rem 0 1.2rem; }
table {
  border-collapse: separate; border-spacing: 0; border: solid var(--ink); border-width: 1.5px 0;
  font-size: .75rem; line-height: 1.4; font-variant-numeric: tabular-nums;
}
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { padding: .45rem .4rem; font-weight: 400; text-align: left; vertical-align: baseline; white-space: nowrap; }
thead th { border-bottom: 1px solid var(--ink); color: var(--muted); }
th:first-child { position: sticky; left: 0; background: var(--paper); }
tbody tr + tr > * { border-top: 1px solid var(--rule); }
th:first-child { padding-left: 0; }
.range { display: block; color: var(--muted); font-size: .9em; }
.best > * { background: color-mix(in srgb, var(--accent) 12%, var(--paper)); }
.best th { font-weight: 650; }
#all table { min-width: 100%; }
#texts summary { overflow-wrap: anywhere; }
blockquote { max-width: 44rem; margin: .6rem 0; padding-left: 1rem; border-left: 3px solid var(--rule); white-space: pre-wrap; }
.side { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: 1rem; margin: .8rem 0 1.6rem; }
.side article { padding: .8rem 1rem; border: 1px solid var(--rule); border-radius: .4rem; min-width: 0; }
.side .chosen { border-color: var(--accent); }
.side .small { margin: 0 0 .5rem; }
.written { margin: 0; font-size: .9375rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.right { text-align: right; }
dl { margin: 0; font-size: .875rem; line-height: 1.45; }
dl > div { display: grid; grid-template-columns: 8rem 1fr; gap: 0 1rem; padding: .22rem 0; break-inside: avoid; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; }
.legend dl { columns: 26rem 2; column-gap: 2.5rem; }
.groups { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 2rem 2.5rem; }
ul { margin: 0; padding-left: 1.1em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media screen and (max-width: 48rem) {
  .wide { display: none; }
  .narrow { display: block; }
}
@media screen and (max-width: 40rem) {
  body { padding: 1.5rem 1rem 3rem; }
  h1 { font-size: 1.35rem; }
  .recommendation { font-size: 1.2rem; }
  tbody th { min-width: 8rem; white-space: normal; }
  dl > div { grid-template-columns: 7.25rem 1fr; }
}
@media print {
  @page { size: A4; margin: 14mm; }
  body { padding: 0; }
  figure, tr, .note { break-inside: avoid; }
  h2 { margin-top: 2rem; break-after: avoid; }
  .scroll { overflow: visible; }
  summary { display: none; }
  details::details-content { content-visibility: visible; display: block; height: auto; }
  th, td { padding: .25rem .3rem; white-space: normal; }
  #all table { font-size: 6.5pt; }
  #texts details:not([open]) { display: none; }
  #texts summary { display: block; color: inherit; }
  .side { grid-template-columns: 1fr 1fr; }
  .side article { break-inside: avoid; }
}
`;
