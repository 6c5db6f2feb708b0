import { describe, expect, it } from 'vitest';
import { displayName, familyOf } from '../../../../src/benchmark/out/page/naming.js';
import { styleOf } from '../../../../src/benchmark/out/page/style.js';
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
    const names = [...STRATEGY_NAMES, 'a strategy to come'];
    const style = styleOf(names.map((name) => contenderOf(name)));
    for (const name of names) expect(style).toContain(`${looks(name).split(' ')[0]}: #`);
  });

  it("gives a user's own strategy the look that it asks for, on white and on black", () => {
    const look = { color: 'teal', darkColor: 'rgb(0 200 200 / 90%)', mark: 'wedge' as const };
    const own = { ...contenderOf('paper k=4'), traits: { isLossless: true, mayRefuse: true, look } };
    const { color, mark } = familyOf(own);
    expect(mark).toBe('wedge');
    const [white, black] = styleOf([own, contenderOf('mtad')]).split('prefers-color-scheme: dark');
    expect(white).toContain(`${color}: teal;`);
    expect(black).toContain(`${color}: rgb(0 200 200 / 90%);`);
    expect(white).toContain('--paper: #fff;'); // a colour of the page, whatever a strategy is called
  });

  it('takes of what a strategy calls a colour no more than a colour', () => {
    const look = {
      color: 'red; } body { display: none',
      darkColor: '</style><script>',
      mark: 'cross' as const,
    };
    const own = { ...contenderOf('mine'), traits: { isLossless: true, mayRefuse: true, look } };
    const style = styleOf([own]);
    expect(style).not.toContain('body { display: none');
    expect(style).not.toContain('</style>');
  });

  it('goes by the role before the name', () => {
    expect(familyOf(contenderOf('mtjd k=4 w=4', { role: 'baseline' })).name).toBe('baseline');
    expect(familyOf(contenderOf('mtjd k=4 w=4')).name).toBe('mtjd');
  });
});
