import { expect, it } from 'vitest';
import { ModelCache } from '../../src/decoding/model-cache.js';
import { REPLAY_LIMIT } from '../../src/decoding/plan-states.js';
import type { Context } from '../../src/engine/passes.js';
import type { Model } from '../../src/engine/port.js';
import { pathTo } from '../../src/math/draft-tree.js';
import { createRng } from '../../src/math/rng.js';
import {
  type Distribution,
  type DraftNode,
  type NodeIndex,
  type Rng,
  ROOT,
  type TokenId,
  type TopLogits,
} from '../../src/types.js';
import { tries } from '../support/tries.js';
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
 * @param stepped is told of every step, and how many there were of its use
 */
export function stateLaws(
  model: () => Model,
  {
    steps = tries(12, 25),
    seen = (_difference: number) => {},
    stepped = (_use: string, _steps: number) => {},
  } = {},
): void {
  it.each(Object.entries(USES))(
    `which %s answers in ${steps} random steps what a fresh evaluation answers`,
    async (name, { step, ...use }) => {
      const cells = LONGEST + use.sequences * (GUESSES + REPLAY_LIMIT + 1);
      await withContext(model(), { capacity: LONGEST, cells, ...use }, async (context) => {
        await withContext(model(), { capacity: LONGEST, sequences: 1 }, (fresh) =>
          randomSteps(new ModelCache(context), fresh, {
            step,
            steps,
            seen,
            stepped: (n) => stepped(name, n),
          }),
        );
      });
    },
  );

  it('answers so differently after a token less that the tolerance would not hide it', async () => {
    const rng = createRng(7);
    await withContext(model(), { capacity: LONGEST, sequences: 1 }, async (fresh) => {
      const differences: number[] = [];
      for (let n = 0; n < 20; n++) {
        const text = randomTokens(rng, 12);
        const rows = [];
        for (const tokens of [text, text.toSpliced(10, 1)]) {
          await forget(fresh, 0, 0);
          rows.push((await decode(fresh, chain(tokens), ALL)).at(-1)!);
        }
        differences.push(difference([rows[0]!], [rows[1]!]));
      }
      expect(Math.min(...differences)).toBeGreaterThan(10 * TOLERANCE);
    });
  });
}

/** Returns the differences between a text in one pass and in passes of a few tokens, of which nothing is taken back. */
export async function kernelNoise(model: Model, texts: number): Promise<number[]> {
  const rng = createRng(11);
  const differences: number[] = [];
  await withContext(model, { capacity: LONGEST, sequences: 1 }, async (context) => {
    for (let n = 0; n < texts; n++) {
      const text = chain(randomTokens(rng, LONGEST));
      await forget(context, 0, 0);
      const whole = await decode(context, text, ALL);
      await forget(context, 0, 0);
      for (let at = 0; at < LONGEST; ) {
        const part = text.slice(at, at + 1 + below(rng, GUESSES));
        const rows = await decode(context, part, ALL);
        for (const [i, row] of rows.entries()) differences.push(difference([row], [whole[at + i]!]));
        at += part.length;
      }
    }
  });
  return differences;
}

async function randomSteps(
  cache: ModelCache,
  fresh: Context,
  {
    step,
    steps,
    seen,
    stepped,
  }: {
    step: Step;
    steps: number;
    seen: (difference: number) => void;
    stepped: (steps: number) => void;
  },
): Promise<void> {
  const rng = createRng(20261127);
  let prefix = randomTokens(rng, 4);
  for (let n = 0; n < steps; n++) {
    if (rng() < 0.1) for await (const _ of cache.prefill(prefix));
    const rows = new Map<NodeIndex, TopLogits>();
    const tree = await step(async (tree, wanted) => {
      const answer = await cache.evaluate(prefix, tree, wanted, ALL);
      for (const [i, node] of wanted.entries()) rows.set(node, answer[i]!);
    }, rng);
    for (const differs of await differencesFromFresh(fresh, prefix, tree, rows)) {
      seen(differs);
      expect(differs).toBeLessThan(TOLERANCE);
    }
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
    stepped(n + 1);
  }
}

/** Each row against that of a fresh evaluation of its branch: the text and the guesses, from the first token on, in one pass. */
async function differencesFromFresh(
  fresh: Context,
  prefix: readonly TokenId[],
  tree: readonly DraftNode[],
  rows: ReadonlyMap<NodeIndex, TopLogits>,
): Promise<number[]> {
  const parents = new Set([...rows.keys()].map((node) => tree[node]?.parent));
  const ends = [...rows.keys()].filter((node) => !parents.has(node));
  const told = new Set<NodeIndex>();
  const differences: number[] = [];
  for (const end of ends) {
    const branch = pathTo(tree, end);
    const nodes = [ROOT, ...branch];
    await forget(fresh, 0, 0);
    const batch = chain([...prefix, ...branch.map((node) => tree[node]!.token)]).map((item) => {
      return { ...item, wanted: item.position >= prefix.length - 1 };
    });
    for (const [i, row] of (await decode(fresh, batch, ALL)).entries()) {
      const node = nodes[i]!;
      if (told.has(node)) continue;
      told.add(node);
      differences.push(difference([rows.get(node)!], [row]));
    }
  }
  return differences;
}
