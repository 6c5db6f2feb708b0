import { expect, it } from 'vitest';
import type { Context } from '../../src/engine/passes.js';
import type { Engine, Model } from '../../src/engine/port.js';
import { ALL, chain, withContext } from './rows.js';

const TEXT = Array.from({ length: 32 }, (_, i) => 300 + i);

/** A pass tells how long other passes kept it from beginning. */
export function waitingLaws(engine: () => Engine, model: () => Model): void {
  const pass = (context: Context, sequence: number) =>
    context.run({ keeps: [], batch: chain(TEXT, 0, sequence), read: ALL });

  it('waits at least as long as the pass before it takes, and not at all where there is none', async () => {
    await withContext(model(), { capacity: 64, sequences: 2 }, async (context) => {
      const [first, second] = await Promise.all([pass(context, 0), pass(context, 1)]);
      expect(first.waitMs).toBe(0);
      expect(second.waitMs).toBeGreaterThanOrEqual(first.ms);
      const batch = chain([1], TEXT.length);
      expect((await context.run({ keeps: [], batch, read: ALL })).waitMs).toBe(0);
    });
  });

  it('waits for a pass of another context where both run on the same threads', async () => {
    await withContext(model(), { capacity: 64, sequences: 1 }, (one) =>
      withContext(model(), { capacity: 64, sequences: 1 }, async (other) => {
        const [first, second] = await Promise.all([pass(one, 0), pass(other, 0)]);
        expect(first.waitMs).toBe(0);
        if (engine().name === 'direct') expect(second.waitMs).toBeGreaterThanOrEqual(first.ms);
        else expect(second.waitMs).toBe(0); // node-llama-cpp shares out the threads itself, inside its calls
      }),
    );
  });
}
