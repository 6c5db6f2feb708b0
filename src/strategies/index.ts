import type { Strategy } from '../decoding/strategy.js';
import { autoregressive } from './autoregressive.js';
import { block } from './block.js';
import { mmtad } from './mmtad.js';
import { mtad } from './mtad.js';
import { mtjd } from './mtjd.js';
import type { Recipe, Sequences, StrategyContext } from './recipe.js';
import { speculative } from './speculative.js';

const RECIPES = {
  mtad,
  mmtad,
  speculative,
  block,
  autoregressive,
  mtjd,
} satisfies Record<string, Recipe<never>>;

/** The strategies' names: what `--strategy` takes. */
export type StrategyName = keyof typeof RECIPES;

/** A strategy's name with the options of its recipe. */
export type StrategyOptions = {
  [Name in StrategyName]: { readonly strategy: Name } & OptionsOf<(typeof RECIPES)[Name]>;
}[StrategyName];
type OptionsOf<R> = R extends Recipe<infer Options> ? Options : never;

/** All of them, the default first. */
export const STRATEGY_NAMES = Object.keys(RECIPES) as StrategyName[];

/** Whether a strategy's rule knows `clip`. */
export function canClip(strategy: string): boolean {
  return strategy === 'mtad';
}

/** Whether a strategy makes do with the single guess of a lookup. */
export function canLookUp(strategy: string): boolean {
  return strategy !== 'mmtad';
}

/** Whether a strategy judges its guesses: those of mtjd are the target's own. */
export function canRefuse(strategy: string): boolean {
  return strategy !== 'mtjd';
}

/**
 * A strategy that drafts and judges with the given caches.
 * @throws Error where it needs a draft model and there is none
 */
export function createStrategy(options: StrategyOptions, context: StrategyContext): Strategy {
  return recipeOf(options).create(options, context);
}

export function sequencesOf(options: StrategyOptions): Sequences {
  return recipeOf(options).sequences(options);
}

/** The recipe under a name takes the options under that name, which TypeScript cannot follow. */
function recipeOf({ strategy }: StrategyOptions): Recipe<StrategyOptions> {
  return RECIPES[strategy] as Recipe<StrategyOptions>;
}
