import { acceptBlock } from '../rules/block.js';
import type { Recipe } from './recipe.js';
import { type SpeculativeOptions, speculative } from './speculative.js';

/** Speculative sampling whose chain is judged as a block: more of it is accepted, the text is distributed the same. */
export const block: Recipe<SpeculativeOptions> = {
  sequences: speculative.sequences,
  create: (options, context) => ({ ...speculative.create(options, context), accept: acceptBlock }),
};
