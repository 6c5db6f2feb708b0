import { describe, expect, it } from 'vitest';
import { DEFAULT_STRATEGIES, type Entry, expand, nameOf } from '../../src/benchmark/contenders.js';
import { withSources } from '../../src/benchmark/with-sources.js';
import { UsageError } from '../../src/errors.js';
import type { PairFiles } from '../../src/models/pair.js';
import { findPair } from '../../src/models/pair.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';

const PAIR = await findPair();
const ALONE: PairFiles = { ...PAIR, draft: undefined };
const entriesOf = (field: Partial<Parameters<typeof expand>[0]>): Entry[] =>
  expand({ strategies: DEFAULT_STRATEGIES, draftLength: [2], baselines: false, ...field });

describe('withSources', () => {
  it('leaves entries as they are where there is a draft model', () => {
    const entries = entriesOf({});
    expect(withSources(entries, PAIR)).toEqual({ entries, leftOut: [] });
    expect(PAIR.draft?.path).toBe(EMBEDDED_PAIR.draft);
  });

  it('has a target alone look up, once for all beam widths, and leaves out what cannot', () => {
    const { entries, leftOut } = withSources(entriesOf({ beamWidth: [2, 4] }), ALONE);
    expect(entries.map(nameOf)).toEqual([
      'autoregressive',
      'speculative k=2 lookup',
      'mtad k=2 tau=0.5 lookup',
    ]);
    expect(leftOut).toEqual([expect.stringMatching(/^mmtad is left out: .*`draft`$/)]);
  });

  it('refuses to go without a draft model that is asked for, and to compare nothing', () => {
    const asked: Entry = { role: 'strategy', strategy: 'mtad', settings: { draftFrom: 'model' } };
    expect(() => withSources([asked], ALONE)).toThrow(UsageError);
    expect(() => withSources(entriesOf({ strategies: ['mmtad'] }), ALONE)).toThrow(/Nothing is left/);
  });
});
