import type { BenchmarkReport, Contender } from '../../report.js';

/** A contender's name, with its engine where another engine ran one of the same name. */
export function displayName({ name, engine }: Contender, all: readonly Contender[]): string {
  const isShared = all.some((other) => other.name === name && other.engine !== engine);
  return isShared ? `${name}, ${engine}` : name;
}

/** What shares a colour and a mark: a strategy, all baselines, or all peers. */
export interface Family {
  readonly name: string;
  /** A custom property of the style sheet. */
  readonly color: string;
  /** A key of MARKS in svg.ts. */
  readonly mark: string;
}

export function familyOf(one: Contender): Family {
  const { role, strategy, traits } = one;
  if (role === 'baseline') return { name: 'baseline', color: '--baseline', mark: 'cross' };
  if (role === 'peer' || strategy === null) return { name: 'peer', color: '--peer', mark: 'star' };
  const look = traits?.look;
  return { name: strategy, color: look ? colorName(strategy) : '--baseline', mark: look?.mark ?? 'cross' };
}

/** The custom property with a strategy's colour. It is called as no other of the page is, whatever the strategy's name. */
export function colorName(strategy: string): string {
  return `--strategy-${strategy}`;
}

/** Which contender the report recommends. */
export function isRecommended(
  { name, engine }: Contender,
  { recommended }: Pick<BenchmarkReport, 'recommended'>,
): boolean {
  return recommended?.name === name && recommended.engine === engine;
}
