import { expect, it } from 'vitest';
import { ModelCache } from '../../src/decoding/model-cache.js';
import { REPLAY_LIMIT } from '../../src/decoding/plan-states.js';
import type { Context, Model } from '../../src/engine/port.js';
import { pathTo } from '../../src/math/draft-tree.js';
import { createRng } from '../../src/math/rng.js';
import {
  type Distribution,
  type DraftNode,
  type NodeIndex,
  type Rng,
  ROOT,
  type TokenId,
} from '../../src/types.js';
import { ALL, chain, decode, difference, forget, TOLERANCE, withContext } from './rows.js';

const LONGEST = 48; // tokens of a text
const GUESSES = 8;
const BEAMS = 3;
const UNUSED: Distribution = { tokens: Int32Array.of(0), logProbs: Float64Array.of(0) };

const below = (rng: Rng, limit: number) => Math.floor(rng() * limit);
const randomTokens = (rng: Rng, count: number): TokenId[] =>
  Array.from({ length: count }, () => 259 + below(rng, 120)); // pieces of text in every model that is tested

/** A way to use a cache for one step: it evaluates nodes of a tree behind a text. */
type Step = (
  evaluate: (tree: readonly DraftNode[], wanted: readonly NodeIndex[]) => Promise<void>,
  rng: Rng,
) => Promise<DraftNode[]>;

/** Judges a chain in one pass, as a target does. */
const judge: Step = async (evaluate, rng) => {
  const tree = randomTokens(rng, below(rng, GUESSES + 1)).map((token, i) => ({
    token,
    parent: i - 1,
    q: UNUSED,
  }));
  await evaluate(tree, [ROOT, ...tree.keys()]);
  return tree;
};

/** Grows beams, a pass for each layer, as a draft model does. */
const draft: Step = async (evaluate, rng) => {
  const tree: DraftNode[] = [];
  let layer: NodeIndex[] = [ROOT];
  for (let depth = below(rng, GUESSES); depth >= 0; depth--) {
    await evaluate(tree, layer);
    layer = randomTokens(rng, 1 + below(rng, BEAMS)).map((token) => {
      const parent = layer[below(rng, layer.length)]!;
      return tree.push({ token, parent, q: UNUSED }) - 1;
    });
  }
  return tree;
};

/** What contexts are opened for, and a step of that use. */
export const USES = {
  'judges chains and can take back some states': { step: judge, sequences: 2, rollback: GUESSES },
  'judges chains and can take back fewer states': { step: judge, sequences: 2, rollback: 3 },
  'judges chains from a copy': { step: judge, sequences: 2 },
  'drafts beams': { step: draft, sequences: BEAMS + 2 },
  'drafts chains': {
    step: async (evaluate: Parameters<Step>[0], rng: Rng) => draft(evaluate, rng),
    sequences: 3,
  },
} as const satisfies Record<string, { step: Step; sequences: number; rollback?: number }>;

/**
 * A cache over a model with recurrent layers: what it answers after rollbacks is what a fresh evaluation answers.
 * @param seen is told of the difference of every row
 */
export function stateLaws(model: () => Model, { steps = 25, seen = (_difference: number) => {} } = {}): void {
  it.each(Object.entries(USES))(
    `which %s answers in ${steps} random steps what a fresh evaluation answers`,
    async (_, { step, ...use }) => {
      const cells = LONGEST + use.sequences * (GUESSES + REPLAY_LIMIT + 1);
      await withContext(model(), { capacity: LONGEST, cells, ...use }, async (context) => {
        await withContext(model(), { capacity: LONGEST, sequences: 1 }, (fresh) =>
          randomSteps(new ModelCache(context), fresh, { step, steps, seen }),
        );
      });
    },
  );
}

async function randomSteps(
  cache: ModelCache,
  fresh: Context,
  { step, steps, seen }: { step: Step; steps: number; seen: (difference: number) => void },
): Promise<void> {
  const rng = createRng(20261127);
  let prefix = randomTokens(rng, 4);
  const evaluate = async (tree: readonly DraftNode[], wanted: readonly NodeIndex[]) => {
    const rows = await cache.evaluate(prefix, tree, wanted, ALL);
    for (const [i, node] of wanted.entries()) {
      if (node !== wanted.at(-1) && rng() < 0.5) continue; // half of them tell enough
      const path = [...prefix, ...pathTo(tree, node).map((n) => tree[n]!.token)];
      await forget(fresh, 0, 0);
      const batch = chain(path).map((item) => ({ ...item, wanted: item.position === path.length - 1 }));
      const differs = difference([rows[i]!], await decode(fresh, batch, ALL));
      seen(differs);
      expect(differs).toBeLessThan(TOLERANCE);
    }
  };
  for (let n = 0; n < steps; n++) {
    if (rng() < 0.1) for await (const _ of cache.prefill(prefix));
    const tree = await step(evaluate, rng);
    const accepted = pathTo(tree, below(rng, tree.length + 1) - 1).map((node) => tree[node]!.token);
    const dice = rng();
    if (dice < 0.1) {
      /* The same text once more, as when costs are measured. */
    } else if (dice < 0.2 || prefix.length + GUESSES + accepted.length + 1 >= LONGEST)
      prefix = [
        ...prefix.slice(0, 1 + below(rng, prefix.length)),
        ...randomTokens(rng, 1 + below(rng, 12)),
      ].slice(0, LONGEST - GUESSES - 2); // another turn, or another text
    else prefix.push(...accepted, ...randomTokens(rng, 1));
    cache.rollback(prefix);
  }
}
