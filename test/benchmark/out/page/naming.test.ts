import { describe, expect, it } from 'vitest';
import { displayName, familyOf } from '../../../../src/benchmark/out/page/naming.js';
import { STYLE } from '../../../../src/benchmark/out/page/style.js';
import { STRATEGY_NAMES } from '../../../../src/strategies/index.js';
import { contenderOf } from '../../../support/fake-generation.js';
import { fakeReport } from '../../../support/fake-report.js';

describe('displayName', () => {
  const { contenders } = fakeReport();
  const names = contenders.map((one) => displayName(one, contenders));

  it('is the contender alone', () => {
    expect(new Set(names).size).toBe(contenders.length);
  });

  it('has the engine only where two engines ran the same', () => {
    expect(names).toContain('mtad k=4 w=4 tau=0.5, bindings');
    expect(names).toContain('speculative k=4');
  });
});

describe('familyOf', () => {
  const looks = (name: string, role: 'strategy' | 'baseline' | 'peer' = 'strategy') => {
    const { color, mark } = familyOf(contenderOf(name, { role }));
    return `${color} ${mark}`;
  };

  it('gives each strategy, the baselines and the peers a look of their own', () => {
    const all = [
      ...STRATEGY_NAMES.map((name) => looks(name)),
      looks('greedy', 'baseline'),
      looks('x', 'peer'),
    ];
    expect(new Set(all).size).toBe(STRATEGY_NAMES.length + 2);
  });

  it('names colours that the style sheet has', () => {
    for (const name of [...STRATEGY_NAMES, 'a strategy to come'])
      expect(STYLE).toContain(`${looks(name).split(' ')[0]}: #`);
  });

  it('goes by the role before the name', () => {
    expect(familyOf(contenderOf('mtjd k=4 w=4', { role: 'baseline' })).name).toBe('baseline');
    expect(familyOf(contenderOf('mtjd k=4 w=4')).name).toBe('mtjd');
  });
});
