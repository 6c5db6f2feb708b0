import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { Series } from '../../src/generation/generate.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { createRng } from '../../src/math/rng.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { STRATEGY_NAMES } from '../../src/strategies/index.js';
import type { Rng } from '../../src/types.js';
import { blurredCopy } from '../support/architecture-parts.js';
import { checkedModel, ON_PURPOSE } from '../support/checked-model.js';
import { tinyModel } from '../support/gguf-files.js';
import { HYBRID } from '../support/hybrid.js';
import { RECURRENT_MODELS } from '../support/other-architectures.js';

/** Of each architecture, shared out between its pairs. */
const STEPS = 5000;
const CONTEXT = 80; // tokens

const below = (rng: Rng, limit: number) => Math.floor(rng() * limit);
const oneOf = <T>(rng: Rng, all: readonly T[]): T => all[below(rng, all.length)]!;

const WORDS = 'Tom had a small red boat and one day the cat sat on it with her friend'.split(' ');
const words = (rng: Rng, count: number) => Array.from({ length: count }, () => oneOf(rng, WORDS)).join(' ');

/** As a target with a draft model that is nearly the same, and as the draft model of a target that judges trees. */
const PAIRS = [
  {
    architecture: 'qwen35',
    judges: async () => ({ model: HYBRID, draft: EMBEDDED_PAIR.draft, withHead: true }),
    drafts: async () => ({ model: EMBEDDED_PAIR.model, draft: HYBRID }),
  },
  ...RECURRENT_MODELS.map(({ architecture, write }) => ({
    architecture,
    async judges(dir: string) {
      const model = await write(dir);
      return { model, draft: await blurredCopy(model) };
    },
    drafts: async (dir: string) => ({ model: await tinyModel(dir), draft: await write(dir) }),
  })),
];

/**
 * Rolled back against fresh, as the strategies use states: random settings, several turns of a text, texts that are left in their
 * midst or aborted, passes that fail. Every pass of the target is checked, and a third of the draft model's branches.
 */
describe.each(PAIRS)('$architecture', ({ architecture, ...pairs }) => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mtad-states-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it.each([
    { role: 'judges', steps: 0.8 * STEPS },
    { role: 'drafts', steps: 0.2 * STEPS },
  ] as const)('$role in $steps steps by what a fresh evaluation answers', async ({ role, steps }) => {
    const rng = createRng(20261128);
    const loaded = await loadPair({ ...(await pairs[role](dir)), engine: 'direct', gpu: 'off' });
    const told = { target: seen(), draft: seen() };
    const pair: Pair = {
      ...loaded,
      target: checkedModel(loaded.target, { rng, share: 1, failing: 0.002, seen: told.target.add }),
      draft: checkedModel(loaded.draft!, { rng, share: 1 / 3, failing: 0.002, seen: told.draft.add }),
    };
    try {
      const counts = await writeOn(pair, rng, steps);
      process.stdout.write(
        `${architecture} ${role}: ${JSON.stringify(counts)}; target ${told.target}; draft ${told.draft}\n`,
      );
    } finally {
      await loaded.dispose();
    }
  });
});

/** The number of differences and the largest, in words. */
function seen() {
  let [rows, largest] = [0, 0];
  return {
    add(difference: number) {
      rows++;
      largest = Math.max(largest, difference);
    },
    toString: () => `${rows} rows, largest difference ${largest.toExponential(1)}`,
  };
}

function randomSettings({ target }: Pair, rng: Rng): SettingsInput {
  const strategies = STRATEGY_NAMES.filter((name) => name !== 'mmtad' || !target.isRecurrent);
  const strategy = oneOf(rng, strategies);
  const sources = ['model', 'model', ...(target.head ? ['mtp', 'mtp'] : []), 'lookup'] as const;
  return {
    strategy,
    draftFrom: oneOf(rng, strategy === 'mmtad' ? ['model' as const] : sources) as 'model',
    draftLength: 1 + below(rng, 8),
    beamWidth: 1 + below(rng, 4),
    threshold: oneOf(rng, [0.1, 0.5, 0.9]),
    temperature: oneOf(rng, [0, 0.6, 1]),
    maxTokens: 1 + below(rng, 30),
    seed: below(rng, 1000),
    ignoreEos: true,
  };
}

/** Writes texts until there were as many steps. */
async function writeOn(pair: Pair, rng: Rng, steps: number) {
  const counts = { steps: 0, texts: 0, turns: 0, left: 0, aborted: 0, failed: 0, accepted: 0, drafted: 0 };
  const open = (signal: AbortSignal) => new Series(pair, { threads: 1, contextSize: CONTEXT, signal }, 0);
  let abort = new AbortController();
  let series = open(abort.signal);
  let text = '';
  while (counts.steps < steps) {
    const tokens = pair.target.tokenizer.encode(text).length;
    const dice = rng();
    if (tokens === 0 || tokens > CONTEXT - 30 || dice < 0.2) text = words(rng, 4);
    else {
      if (dice < 0.4) text = text.slice(0, 1 + below(rng, text.length)); // an answer that is written once more
      text += ` ${words(rng, 1)}`;
      counts.turns++;
    }
    const end = oneOf(rng, ['left', 'aborted', undefined, undefined, undefined] as const);
    const last = 1 + below(rng, 5);
    let own = 0;
    try {
      for await (const event of series.write(text, randomSettings(pair, rng))) {
        if (event.type === 'text') text += event.pieces.map((piece) => piece.text).join('');
        if (event.type !== 'step') continue;
        counts.steps++;
        counts.accepted += event.step.accepted;
        counts.drafted += event.step.drafted;
        if (++own !== last || end === undefined) continue;
        counts[end]++;
        if (end === 'left') break;
        abort.abort();
      }
      counts.texts++;
    } catch (error) {
      if (!(error instanceof Error) || error.message !== ON_PURPOSE) throw error;
      counts.failed++;
    }
    if (!abort.signal.aborted) continue;
    await series.dispose();
    abort = new AbortController();
    series = open(abort.signal);
  }
  await series.dispose();
  return counts;
}
