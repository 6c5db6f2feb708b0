import type { ModelCache } from '../decoding/model-cache.js';
import type { Strategy } from '../decoding/strategy.js';
import type { Corpus } from '../drafting/corpus.js';
import { corpusTokens, searchCorpus } from '../drafting/corpus-tokens.js';
import type { Drafter, DraftFirst, DraftSource, DraftTail, NextTokens } from '../drafting/drafter.js';
import { withFirst } from '../drafting/first.js';
import type { FreeSource } from '../drafting/free-source.js';
import type { DraftLength } from '../drafting/length.js';
import { lookupTokens, searchPassages } from '../drafting/lookup.js';
import { Passages } from '../drafting/passages.js';
import { withTail } from '../drafting/tail.js';
import { choose } from '../math/sample.js';
import type { SamplingSettings } from '../math/sampling-settings.js';
import type { Truncation } from '../math/truncate.js';
import { type Distribution, type Draft, type NodeIndex, type Rng, ROOT, type TokenId } from '../types.js';

/** What a strategy may be told. Ranges, defaults and help are in the table of settings. */
export interface StrategySettings {
  /** Tokens drafted per step at most, >= 1. `StrategyContext.length` says how many it is to be. */
  readonly draftLength: number;
  /** Beams kept per depth at most, >= 1. `StrategyContext.beamWidth` says how many they are now. */
  readonly beamWidth: number;
  /** Acceptance threshold at first, (0, 1]. `StrategyContext.threshold` says what it is now. */
  readonly threshold: number;
  /** Cap the likelihood ratio at 1 after every token. */
  readonly clip: boolean;
  /** What guesses in its place where that is expected to gain more; undefined: nothing. */
  readonly draftFirst?: DraftFirst | undefined;
  readonly draftFrom: DraftSource;
  /** What goes on where the draft ends; undefined: nothing. */
  readonly draftTail?: DraftTail | undefined;
}

/** The name of such a setting. */
export type StrategySetting = keyof StrategySettings;

/** Those that say where drafts come from. */
export const SOURCE_SETTINGS = [
  'draftFirst',
  'draftFrom',
  'draftTail',
] as const satisfies readonly StrategySetting[];

/** All of them. */
export const STRATEGY_SETTINGS: readonly StrategySetting[] = [
  'draftLength',
  'beamWidth',
  'threshold',
  'clip',
  ...SOURCE_SETTINGS,
];

/** The name of such a setting. */
export type SourceSetting = (typeof SOURCE_SETTINGS)[number];

/** Those that a trace can be replayed with. */
export const RECORDED_SETTINGS = [
  'threshold',
  'draftLength',
  'clip',
] as const satisfies readonly StrategySetting[];

/** The name of such a setting. */
export type RecordedSetting = (typeof RECORDED_SETTINGS)[number];

/**
 * Everything that anybody may ask about a strategy. A strategy of mtad is one such object in a file of its own and a line
 * in `STRATEGIES`; one of yours is such an object given as the setting `strategy` of `generate` or of a benchmark's entry.
 */
export interface StrategyDefinition<Heeded extends StrategySetting = StrategySetting> {
  /** What `--strategy` takes and reports show: letters, digits and hyphens. */
  readonly name: string;
  /** What it is, in a few words, for a list of all strategies. */
  readonly help: string;
  /** The settings that make a difference to it. It is given no others. */
  readonly heeds: readonly Heeded[];
  /** Whether its text is distributed as the target's own. */
  readonly isLossless: boolean;
  /** The shape of its drafts. A lookup makes a chain, so a strategy of trees refuses it. */
  readonly drafts: 'nothing' | 'chain' | 'tree';
  /** Whether it may refuse what it drafted: only then does an acceptance rate mean something. */
  readonly mayRefuse: boolean;
  /** Its part in a benchmark that names no strategies: none unless it is said. */
  readonly benchmark?: 'contender' | 'baseline' | undefined;
  /** How the report draws it; without this as one of the others. */
  readonly look?: Look | undefined;
  /** Branches that it has at once in the cache of each model. */
  sequences(settings: Pick<StrategySettings, Heeded>): Sequences;
  /**
   * The strategy at work on one text.
   * @throws Error where it needs a draft model and there is none
   */
  create(settings: Pick<StrategySettings, Heeded>, context: StrategyContext): Strategy;
  /** Its rule, if it tosses no coin: a trace can then be replayed with other settings. */
  readonly decide?: Decide<Heeded & RecordedSetting> | undefined;
}

/**
 * Which guesses are accepted.
 * @param p target distributions: p[0] after the prefix, p[i + 1] after draft[i]
 * @returns the path of nodes kept, from the root
 */
export type Decide<Heeded extends StrategySetting = StrategySetting> = (
  draft: Draft,
  p: readonly Distribution[],
  settings: Pick<StrategySettings, Heeded>,
) => NodeIndex[];

/** Colours in CSS, and a mark of the plots. */
export interface Look {
  /** On white. */
  readonly color: string;
  /** On black. */
  readonly darkColor: string;
  readonly mark: 'square' | 'wedge' | 'diamond' | 'circle' | 'triangle' | 'cross';
}

/** Branches that a strategy has at once in the cache of each model. */
export interface Sequences {
  /** >= 1. */
  readonly target: number;
  /** 0 = no draft model is needed. */
  readonly draft: number;
  /** Whether the target's branches grow token by token, since it drafts itself; undefined: no, it judges whole drafts. */
  readonly targetDrafts?: boolean | undefined;
}

/** What a strategy works with besides its own settings. */
export interface StrategyContext {
  readonly sampling: SamplingSettings;
  /** How far to guess: `draftLength` at each step, or as far as it pays. */
  readonly length: DraftLength;
  /** The acceptance threshold now, (0, 1]: asked at each step, since it may follow the quality of the text. */
  readonly threshold: () => number;
  /** Beams kept per depth now, [1..`beamWidth` of the settings]: asked at each step, since it may follow the text's repetition. */
  readonly beamWidth: () => number;
  readonly isEnd: (token: TokenId) => boolean;
  readonly target: ModelCache;
  /** The draft model's cache; absent where the strategy said that it needs none. */
  readonly draft?: ModelCache | undefined;
  /** Texts to draft from; absent where there are none. */
  readonly corpus?: Corpus | undefined;
  /** What a lookup knows of the texts before, of which the next one is mostly a continuation; absent where there are none. */
  readonly passages?: Passages | undefined;
}

/** Where a drafter's distributions come from, under the strategy's truncation. A lookup has none. */
export function guessedTokens(
  draftFrom: DraftSource,
  { draft, corpus }: Pick<StrategyContext, 'draft' | 'corpus'>,
  truncation: Truncation,
): NextTokens {
  return draftFrom === 'corpus' ? corpusTokens(loaded(corpus), truncation) : nextTokens(draft, truncation);
}

/**
 * The drafter with the sources, if any, that guess in its place or go on where its draft ends.
 * They guess with their likeliest token, as beams do; a lossless rule needs tokens that were drawn.
 */
export function chained(
  draft: Drafter,
  { draftFirst = 'none', draftFrom, draftTail = 'none' }: Pick<StrategySettings, SourceSetting>,
  context: StrategyContext,
  truncation: Truncation,
  { isLossless }: Pick<StrategyDefinition, 'isLossless'>,
): Drafter {
  const guessing = withinReach(draft, context.draft?.reach);
  if (draftFirst === 'none' && draftTail === 'none') return guessing;
  const { length, isEnd, sampling, passages = new Passages() } = context;
  const temperature = isLossless ? sampling.temperature : 0;
  const options = { length, isEnd, choose: (q: Distribution, rng: Rng) => choose(q, { temperature }, rng) };
  const sources = (list: string) =>
    FREE.filter((name) => list.split('+').includes(name)).map((name) =>
      freeSource(name, { ...context, passages }, truncation),
    );
  const whole = sources(draftTail).reduce(
    (all, tail) => withTail(all, tail, options),
    named(guessing, draftFrom),
  );
  return draftFirst === 'none' ? whole : withFirst(whole, sources(draftFirst), options);
}

/** The same drafter, which guesses no further than its model was made for. */
function withinReach(draft: Drafter, reach = Infinity): Drafter {
  return (prefix, room, rng) => draft(prefix, Math.min(room, reach), rng);
}

/** The sources that take no pass, in the order of their names. */
const FREE = ['corpus', 'lookup'] as const;

function freeSource(
  name: (typeof FREE)[number],
  { corpus, passages }: Pick<StrategyContext, 'corpus'> & { readonly passages: Passages },
  truncation: Truncation,
): FreeSource {
  if (name === 'lookup')
    return { name, next: lookupTokens(passages), search: (prefix) => searchPassages(passages, prefix) };
  const texts = loaded(corpus);
  return {
    name,
    next: corpusTokens(texts, truncation),
    search: (prefix) => searchCorpus(texts, truncation, prefix),
  };
}

/** The same drafter, whose guesses have the name of their source. */
function named(draft: Drafter, from: DraftSource): Drafter {
  return async (...asked) => (await draft(...asked)).map((node) => ({ ...node, from }));
}

function loaded(corpus: Corpus | undefined): Corpus {
  if (!corpus) throw new Error('This strategy drafts from a corpus, and none is loaded');
  return corpus;
}

/** A model as a drafter sees it: distributions under the strategy's truncation. */
export function nextTokens(model: ModelCache | undefined, truncation: Truncation): NextTokens {
  if (!model) throw new Error('This strategy needs a draft model, and none is loaded');
  return (prefix, tree, nodes) => model.distributions(prefix, tree, nodes, truncation);
}

/** A rule that tosses no coin as a verdict: what it accepts, then a token of the target's own. */
export function acceptBy<Heeded extends StrategySetting>(
  decide: Decide<Heeded>,
  settings: Pick<StrategySettings, Heeded>,
  { sampling, threshold }: Pick<StrategyContext, 'sampling' | 'threshold'>,
): Strategy['accept'] {
  return (draft, p, rng) => {
    if (draft.length === 0) return { accepted: [], next: choose(p[0]!, sampling, rng) };
    const accepted = decide(draft, p, { ...settings, threshold: threshold() });
    const last = accepted.at(-1) ?? ROOT;
    return { accepted, next: choose(p[last + 1]!, sampling, rng) };
  };
}
