import type { Strategy } from '../decoding/strategy.js';
import { type DraftFirst, type DraftSource, takesPasses } from '../drafting/drafter.js';
import { type DraftLength, fixedLength } from '../drafting/length.js';
import { withinRoom } from '../drafting/within-room.js';
import { autoregressive } from './autoregressive.js';
import { block } from './block.js';
import type {
  Sequences,
  StrategyContext,
  StrategyDefinition,
  StrategySetting,
  StrategySettings,
} from './definition.js';
import { mmtad } from './mmtad.js';
import { mtad } from './mtad.js';
import { mtjd } from './mtjd.js';
import { speculative } from './speculative.js';

/** All strategies of mtad under their names, the default first. */
export const STRATEGIES = {
  mtad,
  mmtad,
  speculative,
  block,
  autoregressive,
  mtjd,
} satisfies Record<string, StrategyDefinition>;

/** The strategies' names: what `--strategy` takes. */
export type StrategyName = keyof typeof STRATEGIES;

/** All of them, the default first. */
export const STRATEGY_NAMES = Object.keys(STRATEGIES) as StrategyName[];

/** The strategy without a draft, over which speed-ups are. */
export const PLAIN = autoregressive;

/** The usual way of drafting, over which speed-ups are too. */
export const USUAL = speculative;

/** A strategy by its name, or one of a user's own. */
export type StrategyChoice = StrategyName | StrategyDefinition;

/** A strategy with the settings that it heeds. */
export type StrategyOptions =
  | {
      [Name in StrategyName]: { readonly strategy: Name } & HeededBy<(typeof STRATEGIES)[Name]>;
    }[StrategyName]
  | ({ readonly strategy: StrategyDefinition } & StrategySettings);
type HeededBy<D> = D extends StrategyDefinition<infer Heeded> ? Pick<StrategySettings, Heeded> : never;

/** The strategy of this name in the table; undefined for a name that is not in it. */
export function strategyNamed(name: string): StrategyDefinition | undefined {
  return Object.hasOwn(STRATEGIES, name) ? STRATEGIES[name as StrategyName] : undefined;
}

/** Everything that may be asked about a strategy. */
export function definitionOf(strategy: StrategyChoice): StrategyDefinition {
  return typeof strategy === 'string' ? STRATEGIES[strategy] : strategy;
}

/**
 * A strategy that drafts and judges with the given caches.
 * @param context without length, threshold and beamWidth: those of the options at each step
 * @throws Error where it needs a draft model and there is none
 */
export function createStrategy(
  options: StrategyOptions,
  context: Omit<StrategyContext, 'length' | 'threshold' | 'beamWidth'> & {
    readonly length?: DraftLength | undefined;
    readonly threshold?: (() => number) | undefined;
    readonly beamWidth?: (() => number) | undefined;
  },
): Strategy {
  const definition = definitionOf(options.strategy);
  const heeded = heededOf(options);
  const length = context.length ?? fixedLength(heeded.draftLength, beforeTail(heeded));
  const threshold = context.threshold ?? (() => heeded.threshold);
  const beamWidth = context.beamWidth ?? (() => heeded.beamWidth);
  const strategy = definition.create(heeded, { ...context, length, threshold, beamWidth });
  if (typeof options.strategy === 'string') return strategy; // ours draft within the room that they are told
  return {
    truncation: strategy.truncation,
    draft: withinRoom((...asked) => strategy.draft(...asked), definition.name, options.draftLength),
    accept: (...judged) => strategy.accept(...judged), // strategy may be of a class
  };
}

/** Of a fixed draft length, half is left to a tail where the guesses before it take passes; others end where nothing is found. */
function beforeTail({ draftLength, draftFrom, draftTail = 'none' }: StrategySettings): number {
  return draftTail !== 'none' && takesPasses(draftFrom) ? Math.ceil(draftLength / 2) : draftLength;
}

/** Branches that a strategy with these settings has at once in the cache of each model. */
export function sequencesOf(options: StrategyOptions): Sequences {
  return definitionOf(options.strategy).sequences(heededOf(options));
}

/** What a strategy cannot do, as a sentence; undefined where it can do all that these settings ask for. */
export function refusalOf(
  strategy: StrategyChoice,
  {
    clip,
    draftFirst = 'none',
    draftFrom,
  }: {
    readonly clip?: boolean | undefined;
    readonly draftFirst?: DraftFirst | undefined;
    readonly draftFrom?: DraftSource | 'auto' | undefined;
  },
): string | undefined {
  const { name, heeds, drafts } = definitionOf(strategy);
  if (clip && !heeds.includes('clip')) {
    const others = STRATEGY_NAMES.filter((other) => heedsSetting(other, 'clip')).join(' or ');
    return `\`clip\` changes the rule of ${others}, and ${name} has another: use ${others}`;
  }
  if (draftFrom === 'lookup' && drafts === 'tree')
    return `${name} judges several beams, and a lookup makes a single guess: use ${STRATEGY_NAMES[0]}`;
  if (draftFirst === 'none') return undefined;
  if (draftFrom === 'lookup' || draftFrom === 'corpus')
    return `\`draftFirst\` ${draftFirst} guesses in place of a draft model or a head, and drafts come from ${draftFrom}: leave it out`;
  if (typeof strategy === 'object' && !heeds.includes('draftFirst'))
    return `The strategy ${name} does not heed \`draftFirst\`: leave it out, or name it in what the strategy heeds`;
  return undefined;
}

/** Whether a setting makes a difference to a strategy. */
export function heedsSetting(strategy: StrategyChoice, setting: StrategySetting): boolean {
  return definitionOf(strategy).heeds.includes(setting);
}

/** Only what the strategy says that it heeds, so that it can be held to that. */
function heededOf({ strategy, ...settings }: StrategyOptions): StrategySettings {
  const { heeds } = definitionOf(strategy);
  const entries = Object.entries(settings).filter(([name]) => heeds.includes(name as StrategySetting));
  return Object.fromEntries(entries) as unknown as StrategySettings;
}
