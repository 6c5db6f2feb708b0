import type { Pair } from '../models/pair.js';
import { definitionOf, STRATEGY_NAMES, type StrategyChoice } from '../strategies/index.js';

/** Returns why a target cannot judge the drafts of a strategy, as a sentence; undefined: it can. */
export function treeRefusal(
  { target, targetHeader }: Pick<Pair, 'target' | 'targetHeader'>,
  strategy: StrategyChoice,
): string | undefined {
  const { name, drafts } = definitionOf(strategy);
  if (!target.isRecurrent || drafts !== 'tree') return undefined;
  return (
    `${name} judges several drafts that share their beginnings, and the recurrent layers of a ${targetHeader.architecture} ` +
    `model keep one state for each: use \`strategy\` ${STRATEGY_NAMES[0]}`
  );
}
