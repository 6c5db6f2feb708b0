import { strategyNamed } from '../../strategies/index.js';
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

export function familyOf(one: Contender): Family {
  const { role } = one;
  if (role === 'baseline') return { name: 'baseline', color: '--baseline', mark: 'crossRot' };
  if (role === 'peer') return { name: 'peer', color: '--peer', mark: 'star' };
  const strategy = strategyOf(one);
  const look = strategyNamed(strategy)?.look;
  return { name: strategy, color: look ? `--${strategy}` : '--baseline', mark: look?.mark ?? 'cross' };
}
