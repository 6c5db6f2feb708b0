import { strategyOf } from '../names.js';
import type { Contender } from '../report.js';

/** A contender's name, with its engine where another engine ran one of the same name. */
export function displayName({ name, engine }: Contender, all: readonly Contender[]): string {
  const isShared = all.some((other) => other.name === name && other.engine !== engine);
  return isShared ? `${name}, ${engine}` : name;
}

/** What shares a colour and a mark: a strategy, all baselines, or all peers. */
export interface Family {
  readonly name: string;
  readonly color: string; // a custom property of the style sheet
  readonly mark: string; // Chart.js's pointStyle
}

const STRATEGIES: Readonly<Record<string, Omit<Family, 'name'>>> = {
  autoregressive: { color: '--autoregressive', mark: 'rect' },
  speculative: { color: '--speculative', mark: 'rectRounded' },
  block: { color: '--block', mark: 'rectRot' },
  mtad: { color: '--mtad', mark: 'circle' },
  mmtad: { color: '--mmtad', mark: 'triangle' },
  mtjd: { color: '--mtjd', mark: 'rectRot' },
};

export function familyOf(one: Contender): Family {
  const { role } = one;
  if (role === 'baseline') return { name: 'baseline', color: '--baseline', mark: 'crossRot' };
  if (role === 'peer') return { name: 'peer', color: '--peer', mark: 'star' };
  const strategy = strategyOf(one);
  return { name: strategy, ...(STRATEGIES[strategy] ?? { color: '--baseline', mark: 'cross' }) };
}
