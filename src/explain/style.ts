/** What the page of a run has besides the benchmark's style. */
export const STYLE = `
:root { --accepted: #00704a; --rejected: #a33; }
@media screen and (prefers-color-scheme: dark) { :root { --accepted: #4fc39b; --rejected: #f0857d; } }
a { color: var(--accent); }
.text { max-width: 50rem; white-space: pre-wrap; font-size: 1.15rem; line-height: 1.9; }
.text a { color: inherit; text-decoration: none; border-radius: .2em; }
.text a:hover, .text a:focus-visible { background: color-mix(in srgb, var(--accent) 14%, var(--paper)); }
.accepted, .rejected, .own { white-space: pre-wrap; }
.accepted { color: var(--accepted); background: color-mix(in srgb, var(--accepted) 12%, var(--paper)); }
.rejected { color: var(--rejected); text-decoration: line-through; }
.text .rejected { font-size: .8em; }
.own { color: var(--ink); border-bottom: 1px solid var(--muted); }
details { padding: .3rem 0; border-bottom: 1px solid var(--rule); }
details[open] { padding-bottom: 1rem; }
#steps summary { margin: 0; padding: .3rem 0; color: var(--ink); font-size: .9375rem; }
.block { margin-left: .6rem; font-family: var(--serif); font-size: 1.0625rem; }
details[open] .block { display: none; }
.branch { display: inline-block; padding-left: calc(var(--depth) * 1.2rem); font: 1rem var(--serif); }
tbody th { font-weight: 400; }
tr:not(.likeliest) td { color: var(--muted); }
#steps table { font-size: .875rem; }
#steps th, #steps td { padding: .3rem .8rem .3rem 0; }
:target { scroll-margin-top: 4rem; }
`;
