import { z } from 'zod';
import { STRATEGY_SETTINGS, type StrategyDefinition } from '../strategies/definition.js';
import { STRATEGY_NAMES, type StrategyChoice, strategyNamed } from '../strategies/index.js';

/** What a strategy of a user's own must have at least. */
const PARTS = `a name of its own, heeds (any of ${STRATEGY_SETTINGS.join(', ')}), sequences and create`;

/** A strategy by its name, or an object of a user's own that has what a strategy needs. */
export const strategySchema = z.custom<StrategyChoice>(isStrategy, {
  error: ({ input }) =>
    `one of ${STRATEGY_NAMES.join(', ')}${typeof input === 'object' && input ? `, or an object with ${PARTS}` : ''}`,
});

function isStrategy(value: unknown): boolean {
  if (typeof value === 'string') return strategyNamed(value) !== undefined;
  const { name, heeds, sequences, create } = (value ?? {}) as Partial<StrategyDefinition>;
  const isNamed = typeof name === 'string' && /^[\w-]+$/.test(name);
  const isHeedful = Array.isArray(heeds) && heeds.every((one) => STRATEGY_SETTINGS.includes(one));
  if (!isNamed || !isHeedful || typeof sequences !== 'function' || typeof create !== 'function') return false;
  const namesake = strategyNamed(name);
  return namesake === undefined || namesake === value; // reports tell strategies apart by their names
}
