import { describe, expect, it } from 'vitest';
import {
  DEFAULT_STRATEGIES,
  expand,
  type Field,
  nameOf,
  parseStrategies,
  settingsOf,
} from '../../src/benchmark/contenders.js';
import { UsageError } from '../../src/errors.js';
import { parseSettings } from '../../src/generation/parse-settings.js';
import { STRATEGY_NAMES, type StrategyName } from '../../src/strategies/index.js';

const FIELD: Field = {
  strategies: ['mtad'],
  draftLength: [4],
  beamWidth: [4],
  threshold: [0.5],
  clip: [false],
  drafts: [{ draftFrom: 'model', draftTail: 'none' }],
  baselines: false,
};

/** The draft model and lookups, alone and one behind the other. */
const DRAFTS: Field['drafts'] = [
  { draftFrom: 'model', draftTail: 'none' },
  { draftFrom: 'lookup', draftTail: 'none' },
];
const CHAINED: Field['drafts'] = [...DRAFTS, { draftFrom: 'model', draftTail: 'lookup' }];

const names = (field: Partial<Field>) => expand({ ...FIELD, ...field }).map(nameOf);

/** Settings that make a difference to each strategy. */
const KEYS: Record<StrategyName, readonly ('draftLength' | 'beamWidth' | 'threshold')[]> = {
  autoregressive: [],
  speculative: ['draftLength'],
  block: ['draftLength'],
  mtad: ['draftLength', 'beamWidth', 'threshold'],
  mmtad: ['draftLength', 'beamWidth', 'threshold'],
  mtjd: ['draftLength', 'beamWidth'],
};

describe.each(STRATEGY_NAMES)('the entries of %s', (strategy) => {
  const lists = { draftLength: [2, 4, 8], beamWidth: [1, 4], threshold: [0.1, 0.5, 1, 1e-7] };
  const field = { ...FIELD, strategies: [strategy], threshold: lists.threshold };
  const keys = KEYS[strategy];

  it('are every combination of the settings that it has, once', () => {
    const entries = expand({ ...field, draftLength: lists.draftLength, beamWidth: lists.beamWidth });
    const chosen = entries.map(({ settings }) => keys.map((key) => settings[key]).join(' '));
    const expected = keys.reduce(
      (rows, key) => rows.flatMap((row) => lists[key].map((value) => [...row, value])),
      [[]] as number[][],
    );
    expect(chosen).toEqual(expected.map((row) => row.join(' ')));
    expect(new Set(entries.map(nameOf)).size).toBe(entries.length);
    for (const entry of entries) {
      const { settings, role } = entry;
      expect(role).toBe('strategy');
      expect(Object.keys(settings).sort()).toEqual([...keys].sort()); // the rest holds for all
      expect(parseSettings(settingsOf(entry))).toMatchObject({ strategy, ...settings });
    }
  });

  it('are not doubled by what stands twice in a list', () => {
    const once = names({ ...field, draftLength: [2, 4], beamWidth: [4], threshold: [0.5] });
    const twice = names({
      ...field,
      strategies: [strategy, strategy],
      draftLength: [2, 4, 2, 2],
      beamWidth: [4, 4],
      threshold: [0.5, 0.5],
    });
    expect(twice).toEqual(once);
  });
});

describe('expand', () => {
  it('keeps the order of the strategies and names them with their settings', () => {
    expect(names({ strategies: ['mtad', 'autoregressive', 'speculative'], draftLength: [2, 4] })).toEqual([
      'mtad k=2 w=4 tau=0.5',
      'mtad k=4 w=4 tau=0.5',
      'autoregressive',
      'speculative k=2',
      'speculative k=4',
    ]);
  });

  it('adds mtad with clip, and nothing else with it', () => {
    const without = expand({ ...FIELD, strategies: STRATEGY_NAMES, threshold: [0.1, 0.5] });
    const all = expand({ ...FIELD, strategies: STRATEGY_NAMES, threshold: [0.1, 0.5], clip: [false, true] });
    const clipped = all.filter(({ settings }) => settings.clip);
    expect(all.filter((entry) => !clipped.includes(entry))).toEqual(without);
    expect(clipped.map(nameOf)).toEqual(['mtad k=4 w=4 tau=0.1 clip', 'mtad k=4 w=4 tau=0.5 clip']);
  });

  it('has no beams where drafts are looked up, and looks up only where something is drafted', () => {
    const strategies: StrategyName[] = ['autoregressive', 'speculative', 'block', 'mtad', 'mtjd'];
    const entries = expand({
      ...FIELD,
      strategies,
      beamWidth: [2, 8],
      drafts: [{ draftFrom: 'lookup', draftTail: 'none' }],
    });
    expect(entries.map(nameOf)).toEqual([
      'autoregressive',
      'speculative k=4 lookup',
      'block k=4 lookup',
      'mtad k=4 tau=0.5 lookup',
      'mtjd k=4 w=2',
      'mtjd k=4 w=8',
    ]);
    for (const entry of entries)
      expect(parseSettings(settingsOf(entry)).draftFrom).toBe(
        nameOf(entry).endsWith('lookup') ? 'lookup' : 'auto',
      );
  });

  it('has contenders for each source of drafts that a strategy can use', () => {
    const strategies: StrategyName[] = ['autoregressive', 'speculative', 'mmtad', 'mtad'];
    expect(names({ strategies, beamWidth: [2, 4], drafts: DRAFTS })).toEqual([
      'autoregressive',
      'speculative k=4',
      'speculative k=4 lookup',
      'mmtad k=4 w=2 tau=0.5',
      'mmtad k=4 w=4 tau=0.5',
      'mtad k=4 w=2 tau=0.5',
      'mtad k=4 w=4 tau=0.5',
      'mtad k=4 tau=0.5 lookup',
    ]);
  });

  it('has contenders for a source that goes on behind another', () => {
    const strategies: StrategyName[] = ['autoregressive', 'block', 'mmtad', 'mtjd'];
    expect(names({ strategies, drafts: CHAINED })).toEqual([
      'autoregressive',
      'block k=4',
      'block k=4 lookup',
      'block k=4 model+lookup',
      'mmtad k=4 w=4 tau=0.5',
      'mmtad k=4 w=4 tau=0.5 model+lookup',
      'mtjd k=4 w=4',
    ]);
  });

  it('refuses what contradicts itself', () => {
    const refused = () =>
      expand({ ...FIELD, strategies: ['mmtad'], drafts: [{ draftFrom: 'lookup', draftTail: 'none' }] });
    expect(refused).toThrow(UsageError);
    expect(refused).toThrow(/mmtad.*lookup/);
    expect(() => expand({ ...FIELD, draftLength: [0] })).toThrow(/draftLength/);
  });
});

describe('the baselines', () => {
  it('are greedy decoding, a low temperature and mtjd, whatever is compared with them', () => {
    const lists = { draftLength: [2, 4], beamWidth: [3, 5], threshold: [0.1, 0.5] };
    const entries = expand({ ...FIELD, ...lists, strategies: ['speculative'], baselines: true });
    expect(entries.filter(({ role }) => role === 'strategy').map(nameOf)).toEqual([
      'speculative k=2',
      'speculative k=4',
    ]);
    expect(entries.filter(({ role }) => role === 'baseline').map(settingsOf)).toEqual([
      { strategy: 'autoregressive', temperature: 0 },
      { strategy: 'autoregressive', temperature: 0.7 },
      { strategy: 'mtjd', draftLength: 2, beamWidth: 3 },
    ]);
  });

  it('have mtjd but once where it is among the strategies', () => {
    const all = names({ strategies: ['mtjd', 'mtad'], baselines: true });
    expect(all).toEqual(['mtjd k=4 w=4', 'mtad k=4 w=4 tau=0.5', 'greedy', 'temperature 0.7']);
  });

  it('have names that no strategy has', () => {
    const all = names({ strategies: DEFAULT_STRATEGIES, baselines: true });
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('a list of strategies', () => {
  it('is read with spaces or without', () => {
    expect(parseStrategies(' mtad, autoregressive,block ')).toEqual(['mtad', 'autoregressive', 'block']);
    expect(parseStrategies(STRATEGY_NAMES.join(','))).toEqual(STRATEGY_NAMES);
  });

  it.each([
    { list: 'autoregresive', meant: 'autoregressive' },
    { list: 'mtad,specualtive', meant: 'speculative' },
    { list: 'mtd', meant: 'mtad' },
    { list: 'mtj', meant: 'mtjd' },
    { list: 'mmtd', meant: 'mmtad' },
    { list: 'blok', meant: 'block' },
  ])('asks after $list whether $meant was meant', ({ list, meant }) => {
    expect(() => parseStrategies(list)).toThrow(UsageError);
    expect(() => parseStrategies(list)).toThrow(`did you mean ${meant}?`);
  });

  it.each(['', 'mtad,', 'greedy', 'MTAD'])('refuses %j with the names that there are', (list) => {
    expect(() => parseStrategies(list)).toThrow(UsageError);
    expect(() => parseStrategies(list)).toThrow(STRATEGY_NAMES.join(', '));
    expect(() => parseStrategies(list)).not.toThrow('did you mean');
  });
});
