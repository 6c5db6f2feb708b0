/** Passes of the engine that go wrong in the middle of a text, while each pass is held against a fresh evaluation. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ResourceError } from '../../src/errors.js';
import type { Session } from '../../src/generation/session.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import type { StrategyName } from '../../src/strategies/index.js';
import type { TokenId } from '../../src/types.js';
import { embeddedPair } from '../support/embedded-pair.js';
import { type Fault, faultyPair } from '../support/faulty-pair.js';
import { openSession } from '../support/open-session.js';
import { tries } from '../support/tries.js';

const FAILED = new Error('The pass failed');
const NO_MEMORY = new ResourceError('No room for the pass');
const fails = () => Promise.reject(FAILED);

/** Faults after which a text may go on, and how many passes after the one before each strikes. */
const FAULTS: readonly (readonly [passes: number, Fault])[] = [
  [1, fails],
  [1, () => Promise.reject(NO_MEMORY)],
  [2, (context, pass) => context.run(pass).then(fails)],
  [1, (context, pass) => context.run({ ...pass, batch: [] }).then(fails)], // it forgets, and evaluates nothing
  [3, (context, { read }) => context.run({ keeps: [EMPTYING], batch: [], read }).then(fails)], // it loses all
];
const EMPTYING = { sequence: 0, from: 0, alike: 0, length: 0 };

/** A text that a session writes, in one go or several. */
class Writing {
  readonly emitted: TokenId[] = [];
  text = '';
  finishReason: string | undefined;

  constructor(
    readonly session: Session,
    readonly prompt: readonly TokenId[],
  ) {}

  /** Writes on from what was emitted. @returns the error */
  async go(signal?: AbortSignal): Promise<unknown> {
    const begun = { tokens: [...this.emitted], text: this.text };
    const so = [...this.prompt, ...this.emitted];
    try {
      for await (const event of this.session.write(so, signal, begun, this.emitted.length)) {
        if (event.type === 'step') this.emitted.push(...event.step.emitted);
        if (event.type === 'text') this.text += event.pieces.map(({ text }) => text).join('');
        if (event.type === 'end') this.finishReason = event.result.finishReason;
      }
      return undefined;
    } catch (error) {
      return error;
    } finally {
      expect(this.session.tokens).toEqual([...this.prompt, ...this.emitted]);
      expect(this.session.isWriting).toBe(false);
    }
  }
}

const STRATEGIES = ['mtad', 'mmtad', 'speculative'] as const;
const MODELS = ['target', 'draft'] as const;

describe.each([
  { engine: 'direct', strategies: STRATEGIES, models: MODELS },
  {
    engine: 'bindings', // each day one case, since it recovers by code of its own
    strategies: tries<readonly StrategyName[]>(['mmtad'], STRATEGIES),
    models: tries<readonly (typeof MODELS)[number][]>(['target'], MODELS),
  },
] as const)('with passes of the engine $engine that go wrong', ({ engine, strategies, models }) => {
  let pair: Pair;
  let prompt: readonly TokenId[];
  beforeAll(async () => {
    pair = engine === 'direct' ? await embeddedPair() : await loadPair({ engine, gpu: 'off' });
    prompt = pair.target.tokenizer.encode('Once upon a time');
  });
  afterAll(() => (engine === 'bindings' ? pair?.dispose() : undefined));

  describe.each(strategies)('%s', (strategy) => {
    const settings = { strategy, maxTokens: 24, seed: 3, draftLength: 3 };
    const run = { threads: 1, contextSize: 64, verifyCache: 1 };
    let whole: Writing;
    beforeAll(async () => {
      const { session, dispose } = await openSession(pair, settings, run);
      whole = new Writing(session, prompt);
      expect(await whole.go()).toBeUndefined();
      await dispose();
    });

    it.each(models)('in the %s: the text is as without, until the context is gone', async (which) => {
      const { pair: faulty, failIn } = faultyPair(pair, which);
      const { session, dispose } = await openSession(faulty, settings, run);
      const writing = new Writing(session, prompt);
      for (const [passes, fault] of FAULTS) {
        failIn(passes, fault);
        expect([FAILED, NO_MEMORY]).toContain(await writing.go());
        expect(writing.emitted).toEqual(whole.emitted.slice(0, writing.emitted.length));
      }

      const abort = new AbortController(); // ends a pass that hangs
      failIn(1, async (context, pass) => {
        setTimeout(() => abort.abort());
        await new Promise((resolve) => abort.signal.addEventListener('abort', resolve));
        return context.run(pass);
      });
      expect(await writing.go(abort.signal)).toBeUndefined();
      expect(writing.finishReason).toBe('interrupted');
      expect(writing.emitted.length).toBeLessThan(whole.emitted.length);

      expect(await writing.go()).toBeUndefined();
      const { emitted, text, finishReason } = whole;
      expect(writing).toMatchObject({ emitted, text, finishReason });

      const next = new Writing(session, writing.session.tokens);
      failIn(2, (context, pass) => context.dispose().then(() => context.run(pass)));
      const gone = new Error('The context was disposed of');
      for (let i = 0; i < 2; i++) expect(await next.go()).toEqual(gone);
      await dispose();
    });
  });
});
