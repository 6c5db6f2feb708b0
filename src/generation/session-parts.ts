import { randomInt } from 'node:crypto';
import type { ChatTemplate, Grammar } from '../engine/port.js';
import { UsageError } from '../errors.js';
import { penaltiesOf } from '../math/penalties.js';
import type { Pair } from '../models/pair.js';
import { sequencesOf } from '../strategies/index.js';
import { tokensHash } from '../tuning/profile.js';
import { MOST_TAKEN_BACK } from '../tuning/step-costs.js';
import { contextSizeOf } from './context-size.js';
import { isAdaptive, strategyOptions } from './draft-length.js';
import { type DecidedSettings, modelsOf, withDraftSource } from './draft-source.js';
import type { EffectiveSettings } from './events.js';
import { checkRunOptions, type RunOptions } from './run-options.js';
import type { Settings } from './settings.js';
import type { Shape } from './shared-caches.js';
import { treeRefusal } from './tree-refusal.js';

/** What a session is made of, besides its caches. */
export interface Parts {
  readonly pair: Pair;
  /** In which prompts are written, if any: it knows how an answer ends, and what in it is reasoning. */
  readonly template: ChatTemplate | undefined;
  readonly settings: EffectiveSettings;
  /** Tokens. */
  readonly contextSize: number;
  readonly grammar: Grammar | undefined;
  readonly run: RunOptions;
}

/** Checks what was asked for, and settles what was left open. @throws UsageError */
export async function partsOf(
  pair: Pair,
  asked: Settings,
  run: RunOptions,
  template?: ChatTemplate | undefined,
): Promise<Parts> {
  checkRunOptions(run);
  const settings = withDraftSource(asked, modelsOf(pair));
  refuseUnknownLogits(pair, settings);
  refuseOtherVocabulary(pair, run);
  const refusal = treeRefusal(pair, settings.strategy);
  if (refusal !== undefined) throw new UsageError(refusal);
  const grammar = settings.grammar && (await pair.target.createGrammar(settings.grammar));
  const contextSize = contextSizeOf(pair, run);
  return { pair, template, settings: effectiveSettings(pair, settings), contextSize, grammar, run };
}

/**
 * Returns what the caches of a text must hold.
 * @param contextSize tokens of the text at most
 * @param length the same, where it is known to be less
 */
export function cacheShape(settings: DecidedSettings, contextSize: number, length: number): Shape {
  const options = strategyOptions(settings);
  const { draftLength } = options;
  const sequences = sequencesOf(options);
  return {
    capacity: Math.min(contextSize, length + draftLength) - 1, // also for guesses behind it; the last token is never evaluated
    targetSequences: sequences.target,
    draftSequences: sequences.draft,
    draftLength,
    targetDrafts: sequences.targetDrafts ?? false,
    usesHead: settings.draftFrom === 'mtp',
    rollback: isAdaptive(settings) ? Math.min(MOST_TAKEN_BACK, draftLength) : draftLength,
  };
}

/** @throws UsageError where the engine does not know the logits themselves, only how far apart they are */
function refuseUnknownLogits({ engine }: Pair, settings: Settings): void {
  const { repeat = 1 } = penaltiesOf(settings) ?? {};
  if (repeat !== 1 && engine.name === 'bindings')
    throw new UsageError(
      '`repeatPenalty` changes logits, and the engine bindings has probabilities only: use `engine` direct, or ' +
        '`presencePenalty` or `frequencyPenalty`',
    );
}

/** @throws UsageError for a profile of models whose tokens mean something else */
function refuseOtherVocabulary({ targetHeader }: Pair, { profile }: RunOptions): void {
  if (profile?.pair && profile.pair.vocabulary !== tokensHash(targetHeader.vocabulary.tokens))
    throw new UsageError(
      'The given `profile` is of models with other tokens: leave it out, or have mtad tune make one for these',
    );
}

/** Tokens up to which reading the whole vocabulary costs a millisecond or less per position. */
const SMALL_VOCABULARY = 4096;

function effectiveSettings({ targetHeader }: Pair, settings: DecidedSettings): EffectiveSettings {
  const { seed = randomInt(2 ** 32), perplexity } = settings;
  const isSmall = targetHeader.vocabulary.tokens.length <= SMALL_VOCABULARY;
  return { ...settings, seed, perplexity: perplexity === 'auto' ? isSmall : perplexity };
}
