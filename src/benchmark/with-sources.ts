import { UsageError } from '../errors.js';
import { withDraftSource } from '../generation/draft-source.js';
import { parseSettings } from '../generation/parse-settings.js';
import { treeRefusal } from '../generation/tree-refusal.js';
import type { Pair, PairFiles } from '../models/pair.js';
import { definitionOf } from '../strategies/index.js';
import { drafting, type Entry, once, settingsOf } from './contenders.js';

/** Entries of a benchmark that say where their drafts come from, and a sentence on each strategy that is left out. */
export interface SourcedEntries {
  readonly entries: readonly Entry[];
  readonly leftOut: readonly string[];
}

/**
 * Decides where the drafts of each entry come from, if that was left open. A strategy that can draft from nothing that is
 * there would decode plainly, as another one does, so it is left out.
 * @throws UsageError where none is left
 */
export function withSources(
  entries: readonly Entry[],
  files: Pick<PairFiles, 'target' | 'draft' | 'corpus'>,
): SourcedEntries {
  const decided = entries.map((entry) => {
    const { strategy, ...decided } = withDraftSource(parseSettings(settingsOf(entry)), files);
    return strategy === entry.strategy ? drafting(entry, decided) : undefined;
  });
  const kept = once(decided.filter((entry) => entry !== undefined));
  const names = entries
    .filter((_, i) => decided[i] === undefined)
    .map(({ strategy }) => definitionOf(strategy).name);
  const leftOut = [...new Set(names)].map(
    (name) => `${name} is left out: it drafts with a draft model, and there is none; add one with \`draft\``,
  );
  if (kept.length === 0) throw new UsageError(`Nothing is left to compare: ${leftOut.join('; ')}`);
  return { entries: kept, leftOut };
}

/**
 * Leaves out the strategies whose drafts the target cannot judge.
 * @throws UsageError where none is left
 */
export function withoutTrees({ entries, leftOut }: SourcedEntries, pair: Pair): SourcedEntries {
  const refusals = entries.map(({ strategy }) => treeRefusal(pair, strategy));
  const kept = entries.filter((_, i) => refusals[i] === undefined);
  const reasons = [...new Set(refusals.filter((refusal) => refusal !== undefined))];
  if (kept.length === 0) throw new UsageError(`Nothing is left to compare: ${reasons.join('; ')}`);
  return { entries: kept, leftOut: [...leftOut, ...reasons] };
}
