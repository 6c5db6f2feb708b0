/** Drafts drawn from beams on the fake model, and the law that they should follow. */
import { type BeamOptions, beamDrafter } from '../../src/drafting/beams.js';
import { fixedLength } from '../../src/drafting/length.js';
import { createRng } from '../../src/math/rng.js';
import type { Truncation } from '../../src/math/truncate.js';
import type { Draft, TokenId } from '../../src/types.js';
import { DRAFT, distributionAfter, type FakeModel, isEnd, UNCUT } from '../support/fake-model.js';
import { fakeNextTokens, pathTo } from '../support/fake-next-tokens.js';

export const PREFIX = [0, 3, 1];
export const CUT: Truncation = { temperature: 0.8, topK: 4, topP: 0.9 };

interface Setup extends Partial<Omit<BeamOptions, 'length' | 'beamWidth'>> {
  readonly beamWidth?: number;
  readonly gamma?: number;
  readonly model?: FakeModel;
  readonly truncation?: Truncation;
}

export function drafter(
  { gamma = 3, beamWidth = 3, model = DRAFT, truncation = UNCUT, ...options }: Setup,
  make = beamDrafter,
) {
  const next = fakeNextTokens(model, truncation);
  return {
    draft: make(next, {
      length: fixedLength(gamma),
      beamWidth: () => beamWidth,
      greedy: false,
      isEnd,
      ...options,
    }),
    next,
  };
}

export async function drawn(setup: Setup, count: number, make = beamDrafter): Promise<string[]> {
  const { draft } = drafter(setup, make);
  const rng = createRng(1);
  const texts: string[] = [];
  for (let i = 0; i < count; i++) {
    const tree = await draft(PREFIX, 9, rng);
    texts.push(together(leavesOf(tree).map((leaf) => pathTo(tree, leaf))));
  }
  return texts;
}

export const leavesOf = (tree: Draft) =>
  [...tree.keys()].filter((node) => !tree.some(({ parent }) => parent === node));
export const together = (beams: (readonly TokenId[])[]) =>
  beams
    .map((tokens) => tokens.join(' '))
    .sort()
    .join(', ');

/** A text in the race, and its probability. */
interface Runner {
  readonly tokens: readonly TokenId[];
  readonly q: number;
}

const likeliest = (beams: readonly Runner[]) => beams.reduce((a, b) => (b.q > a.q ? b : a));

interface RaceOptions {
  readonly model?: FakeModel;
  /** What the draft is in the end. */
  readonly name?: (beams: readonly Runner[]) => string;
}

/** The probability of each draft when beams are drawn one after the other, each from what is left of the table. */
export function lawOfBeams(
  depth: number,
  width: number,
  truncation: Truncation,
  { model = DRAFT, name = (beams) => likeliest(beams).tokens.join(' ') }: RaceOptions = {},
): Map<string, number> {
  const law = new Map<string, number>();
  const isComplete = ({ tokens }: Runner) => tokens.length > 0 && isEnd(tokens.at(-1)!);
  const tableOf = (beams: readonly Runner[]) =>
    beams.flatMap((beam) => {
      if (isComplete(beam)) return [beam];
      const { tokens, logProbs } = distributionAfter(model, [...PREFIX, ...beam.tokens], truncation);
      return Array.from(tokens, (token, i) => ({
        tokens: [...beam.tokens, token],
        q: beam.q * Math.exp(logProbs[i]!),
      }));
    });
  const race = (beams: readonly Runner[], left: number, probability: number): void => {
    if (left === 0) {
      law.set(name(beams), (law.get(name(beams)) ?? 0) + probability);
    } else draw(tableOf(beams), [], left - 1, probability);
  };
  const draw = (
    table: readonly Runner[],
    beams: readonly Runner[],
    left: number,
    probability: number,
  ): void => {
    const total = table.reduce((sum, { q }) => sum + q, 0);
    for (const cell of table) {
      const others = table.filter((other) => other !== cell);
      const chosen = [...beams, cell];
      const sofar = (probability * cell.q) / total;
      if (chosen.length === width || others.length === 0) race(chosen, left, sofar);
      else draw(others, chosen, left, sofar);
    }
  };
  race([{ tokens: [], q: 1 }], depth, 1);
  return law;
}
