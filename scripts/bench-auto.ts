/**
 * How near the draft length that sets itself comes to the best fixed one, and how well the costs of passes foretell the
 * speed:
 *   npm run bench:auto [-- --pairs embedded,wide-bf16,wide-q8,slow-draft,wrong-draft,head] [--limit 10] [--max-tokens 128]
 * All settings of a pair take turns on each prompt. The machine should have nothing else to do.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { mean } from 'simple-statistics';
import { EMBEDDED_PAIR } from '../src/models/resolve.js';
import { type CostCurve, type CostCurves, passMs } from '../src/tuning/cost-curves.js';
import { CostFolder } from '../src/tuning/cost-store.js';
import { cacheFolder } from '../src/user-folders.js';
import { runScript } from './arguments.js';
import { widenModel } from './widen-model.js';
import { writeWrongDraft } from './wrong-draft.js';

const BIN = fileURLToPath(new URL('../bin/mtad.js', import.meta.url));
const SETTINGS = ['--strategies', 'autoregressive,mtad', '--threshold', '0.5,0.1'];
const LENGTHS = 'auto,1,2,3,4,5,7,8,11,15';

interface Files {
  readonly model: string;
  readonly draft: string;
}

const scratch = await mkdtemp(join(tmpdir(), 'mtad-bench-'));
const { model: target, draft } = EMBEDDED_PAIR;
const HYBRID = fileURLToPath(new URL('../gguf/stories-hybrid-f16.gguf', import.meta.url));

const PAIRS: ReadonlyMap<string, () => Promise<Files>> = new Map([
  ['embedded', async () => ({ model: target, draft })],
  ['wide-bf16', async () => ({ model: await widenModel({ type: 'BF16' }), draft })],
  ['wide-q8', async () => ({ model: await widenModel({ type: 'Q8_0' }), draft })],
  ['slow-draft', async () => ({ model: target, draft: target })],
  [
    'wrong-draft',
    async () => ({
      model: await widenModel({ type: 'BF16' }),
      draft: await writeWrongDraft(join(scratch, 'wrong-draft.gguf')),
    }),
  ],
  ['head', async () => ({ model: HYBRID, draft: 'mtp' })],
]);

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: [...PAIRS.keys()].join(',') },
    limit: { type: 'string', default: '10' },
    'max-tokens': { type: 'string', default: '128' },
  },
});

await runScript(async () => {
  try {
    for (const name of values.pairs.split(',')) {
      const files = PAIRS.get(name);
      if (!files) throw new RangeError(`--pairs ${name} is none of ${[...PAIRS.keys()].join(', ')}`);
      process.stdout.write(`\n${name}\n${await measured(await files())}`);
    }
  } finally {
    await rm(scratch, { recursive: true });
  }
});

interface Report {
  readonly contenders: readonly {
    readonly name: string;
    readonly strategy: string;
    readonly settings: { readonly draft_length?: number | 'auto'; readonly threshold?: number };
    readonly tokens_per_second: { readonly value: number };
  }[];
  readonly generations: readonly {
    readonly contender: string;
    readonly tokens: readonly number[];
    readonly passes: Passes;
  }[];
}
interface Passes {
  readonly target: readonly (readonly [number, number])[];
  readonly draft: readonly (readonly [number, number])[];
}

/** One run of `mtad benchmark`, in a few lines. */
async function measured({ model, draft }: Files): Promise<string> {
  const json = join(scratch, 'report.json');
  const env = { HOME: await mkdtemp(join(scratch, 'home-')), XDG_CACHE_HOME: '' }; // where the costs are left
  const models = ['--model', model, '--draft', draft, '--threads', '1', '--no-profile', '--no-baselines'];
  const benchmark = (args: readonly string[]) =>
    execa(process.execPath, [BIN, 'benchmark', ...models, ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env,
    });
  await benchmark(['--strategies', 'mtad', '--limit', '1', '--max-tokens', '1']); // corrects nothing of what it measures
  const [costs] = await new CostFolder(join(cacheFolder(env), 'costs')).all();
  if (!costs) throw new Error('The benchmark kept no costs of passes in its cache folder');
  const size = ['--limit', values.limit, '--max-tokens', values['max-tokens']];
  await benchmark([...SETTINGS, '--draft-length', LENGTHS, ...size, '--output', json]);
  const report = JSON.parse(await readFile(json, 'utf8')) as Report;
  const rows = report.contenders.map((contender) => {
    const texts = report.generations.filter((text) => text.contender === contender.name);
    const tokens = texts.reduce((sum, text) => sum + text.tokens.length, 0);
    const ms = texts.reduce((sum, { passes }) => sum + foretold(passes, costs.value), 0);
    return { ...contender, tokens, speed: contender.tokens_per_second.value, foretold: (1000 * tokens) / ms };
  });
  const plain = rows.find(({ strategy }) => strategy === 'autoregressive')!;
  const lines = rows.map(({ name, tokens, speed, foretold }) =>
    [
      name.padEnd(28),
      `${tokens} tokens`,
      `${speed.toFixed(1)} tokens/s`,
      `${(speed / plain.speed).toFixed(2)} x plain`,
      `foretold ${foretold.toFixed(1)}`,
    ].join('  '),
  );
  const errors = rows.map(({ speed, foretold }) => Math.abs(foretold / speed - 1));
  const relative = rows.map(({ speed, foretold }) =>
    Math.abs(foretold / plain.foretold / (speed / plain.speed) - 1),
  ); // a machine that is slower on the whole changes no decision
  lines.push(
    `mean error of what was foretold, ${rows.length} settings: ${(100 * mean(errors)).toFixed(1)} % of tokens/s, ` +
      `${(100 * mean(relative)).toFixed(1)} % of the speed-up over plain`,
  );
  for (const threshold of [0.5, 0.1]) {
    const own = rows.filter(({ settings }) => settings.threshold === threshold);
    const speedOf = (length: number | 'auto') =>
      own.find(({ settings }) => settings.draft_length === length)!.speed;
    const fixed = own.filter(({ settings }) => settings.draft_length !== 'auto');
    const best = fixed.reduce((a, b) => (b.speed > a.speed ? b : a));
    const ratios = [
      `${(speedOf('auto') / best.speed).toFixed(2)} of the best fixed (k=${best.settings.draft_length})`,
      `${(speedOf('auto') / plain.speed).toFixed(2)} of plain`,
      `${(speedOf('auto') / speedOf(4)).toFixed(2)} of k=4`,
    ];
    lines.push(`auto at threshold ${threshold}: ${ratios.join(', ')}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Milliseconds of these passes by the curves. */
function foretold({ target, draft }: Passes, costs: CostCurves): number {
  const sum = (passes: Passes['target'], curve: CostCurve) =>
    passes.reduce((ms, [rows, count]) => ms + count * passMs(curve, rows), 0);
  return sum(target, costs.target) + sum(draft, costs.draft!);
}
