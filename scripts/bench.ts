/**
 * Measures everything that the README claims and writes it to docs/benchmark.md, with a JSON file per table:
 *   npm run bench [-- --only "Wide target, BF16"] [--limit 4]
 * Takes the better part of an hour on two cores; the machine should have nothing else to do. Sections that are not
 * measured again stay as they are.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { EMBEDDED_PAIR } from '../src/models/resolve.js';
import { runScript } from './arguments.js';
import { writeRandomModel } from './make-random-model.js';
import { widenModel } from './widen-model.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DOCS = join(ROOT, 'docs');
const FOLDER = join(DOCS, 'benchmark');
const PAGE = join(DOCS, 'benchmark.md');
const BIN = join(ROOT, 'bin', 'mtad.js');

interface Table {
  readonly title: string;
  readonly about: string;
  readonly args: readonly string[]; // of `mtad benchmark`, without the models where `wide` is given
  readonly wide?: 'BF16' | 'Q8_0'; // the format of a widened target
}

const WIDE = [
  ...['--peers', '--engine', 'direct,bindings', '--limit', '10', '--max-tokens', '64', '--threads', '1'],
];

const TABLES: readonly Table[] = [
  {
    title: 'Embedded pair',
    about:
      'What depends on probabilities alone: how many tokens a pass of the target yields, and how likely the text is. ' +
      'The target is so small that no way of speculating can save time on it.',
    args: [
      ...['--strategies', 'autoregressive,speculative,block,mtad,mmtad', '--baselines'],
      ...['--threshold', '0.9,0.5,0.3,0.1', '--clip', '--limit', '60', '--threads', '1'],
    ],
  },
  {
    title: 'Embedded pair, no draft model',
    about: 'Guesses from the text so far. Stories repeat little of their openings.',
    args: [
      ...['--draft', 'lookup', '--model', 'gguf/stories-target-f16.gguf'],
      ...['--strategies', 'autoregressive,speculative,mtad', '--limit', '60', '--threads', '1'],
    ],
  },
  {
    title: 'Wide target, BF16',
    about:
      'The embedded target widened to 0.31 billion parameters with the same function, in the format whose batches the ' +
      'CPU build handles best.',
    wide: 'BF16',
    args: ['--threshold', '0.5,0.1', '--baselines', ...WIDE],
  },
  {
    title: 'Wide target, Q8_0',
    about:
      'The same in 8 bits, the format that people run. Its log-probabilities differ from those of the embedded target by up ' +
      'to 0.05, in BF16 by less than 0.02 (`scripts/compare-models.ts`).',
    wide: 'Q8_0',
    args: ['--no-baselines', ...WIDE],
  },
];

const ENGINES = 'Engines';

/** About 0.3 billion parameters each, so that the passes cost the same and the vocabularies differ. */
const VOCABULARIES = [
  { name: 'Vocabulary of 2,048: the embedded target', options: undefined },
  { name: 'Vocabulary of 32,000: 0.3 B parameters', options: { vocab: 32_000, layers: 21 } },
  { name: 'Vocabulary of 128,000: 0.3 B parameters', options: { vocab: 128_000, layers: 13 } },
];

const INTRO = `# Benchmark

Written by \`npm run bench\`; each section names the command that measures it alone. Counts first, then ratios with
their 95 % interval over prompts from low to high. \`speed-up\` is over autoregressive, on the same engine where it ran
there: the quotient of their tokens/s, which are those of all texts together. \`of possible\` is
the time that the same passes of both models take with nothing around them ÷ the time taken; such passes are timed
between the texts, in the same run: above 1 it is noise, or they ran faster in the loop than alone. JSON with unrounded
figures is in [benchmark/](benchmark/).
`;

const TITLES = [...TABLES.map(({ title }) => title), ENGINES];

const { values } = parseArgs({ options: { only: { type: 'string' }, limit: { type: 'string' } } });
const scratch = await mkdtemp(join(tmpdir(), 'mtad-bench-'));
try {
  await runScript(measureAll);
} finally {
  await rm(scratch, { recursive: true });
}

async function measureAll(): Promise<void> {
  if (!TITLES.some(isWanted))
    throw new RangeError(
      `--only "${values.only}" is no section; there are ${TITLES.map((title) => `"${title}"`).join(', ')}`,
    );
  await mkdir(FOLDER, { recursive: true });
  const sections = await readSections();
  for (const table of TABLES)
    if (isWanted(table.title)) await replaceSection(sections, table.title, await measured(table));
  if (isWanted(ENGINES)) await replaceSection(sections, ENGINES, await engines());
}

function isWanted(title: string): boolean {
  return values.only === undefined || values.only === title;
}

/** One run of `mtad benchmark`, as Markdown; its JSON goes to its own file, without the single generations. */
async function measured({ title, about, args, wide }: Table): Promise<string> {
  const limit = values.limit === undefined ? [] : ['--limit', values.limit];
  const model = wide ? ['--model', await widenModel({ type: wide }), '--draft', EMBEDDED_PAIR.draft] : [];
  const [md, json] = [join(scratch, 'table.md'), join(scratch, 'table.json')];
  process.stderr.write(`${title}\n`);
  const exports = ['--output', md, '--output', json];
  await execa(process.execPath, [BIN, 'benchmark', ...model, ...args, ...limit, ...exports], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const { generations: _, ...report } = JSON.parse(await readFile(json, 'utf8'));
  await writeFile(join(FOLDER, `${slug(title)}.json`), `${JSON.stringify(report, null, 1)}\n`);
  const shown = wide
    ? `mtad benchmark --model "$(npx tsx scripts/widen-model.ts --type ${wide})" --draft gguf/stories-draft-f16.gguf`
    : 'mtad benchmark';
  return `${about}\n\n${fenced(`${shown} ${[...args, ...limit].join(' ')}`)}\n\n${await readFile(md, 'utf8')}`;
}

/** What the engines add to llama.cpp's own time, by size of the vocabulary. */
async function engines(): Promise<string> {
  const parts = [
    "Milliseconds that an engine adds to llama.cpp's own, per position that is read, in passes of k tokens; then plain " +
      'decoding against a bare loop of llama_decode and argmax. One thread, medians.',
  ];
  for (const { name, options } of VOCABULARIES) {
    process.stderr.write(`${ENGINES}: ${name}\n`);
    const path = options
      ? (await writeRandomModel(join(scratch, 'random.gguf'), options)).path
      : EMBEDDED_PAIR.model;
    const made = options
      ? `npx tsx scripts/make-random-model.ts --out random.gguf ${flagsOf(options)}\n`
      : '';
    const shown = options ? 'random.gguf' : 'gguf/stories-target-f16.gguf';
    const { stdout } = await execa('npx', ['tsx', 'scripts/profile-engines.ts', '--model', path], {
      cwd: ROOT,
    });
    parts.push(`### ${name}`, fenced(`${made}npx tsx scripts/profile-engines.ts --model ${shown}`), stdout);
  }
  return parts.join('\n\n');
}

function flagsOf(options: object): string {
  return Object.entries(options)
    .map(([name, value]) => `--${name} ${value}`)
    .join(' ');
}

function fenced(command: string): string {
  return `\`\`\`sh\n${command}\n\`\`\``;
}

function slug(title: string): string {
  return title.toLowerCase().replaceAll(/[^a-z0-9_]+/g, '-');
}

/** The text under each second-level heading of the page as it is. */
async function readSections(): Promise<Map<string, string>> {
  const page = await readFile(PAGE, 'utf8').catch(() => '');
  const parts = page.split(/^## /m).slice(1);
  return new Map(
    parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n')).trim()]),
  );
}

/** Written after each section, so that an hour's work is not lost to the last of them. */
async function replaceSection(sections: Map<string, string>, title: string, text: string): Promise<void> {
  sections.set(title, text.trim());
  const kept = TITLES.filter((title) => sections.has(title));
  const body = kept.map((title) => `## ${title}\n\n${sections.get(title)}\n`).join('\n');
  await writeFile(PAGE, `${INTRO}\n${body}`);
}
