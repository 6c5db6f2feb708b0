import { type DraftSource, takesPasses } from '../drafting/drafter.js';
import { UsageError } from '../errors.js';
import { hasHead, headRefusal } from '../models/heads.js';
import type { Pair, PairFiles } from '../models/pair.js';
import { definitionOf, heedsSetting, PLAIN, refusalOf, sequencesOf } from '../strategies/index.js';
import { strategyOptions } from './draft-length.js';
import type { Settings } from './settings.js';

/** What is there to draft with. */
interface Models extends Pick<PairFiles, 'target' | 'draft'> {
  /** Whether the target's head can draft; undefined: as its file tells. */
  readonly canUseHead?: boolean;
  /** Undefined: there is none. */
  readonly corpus?: unknown;
}

/** Returns what a pair that is loaded can draft with. */
export function modelsOf({ target, targetHeader, draftHeader, corpus }: Pair): Models {
  return { target: targetHeader, draft: draftHeader, canUseHead: target.head !== undefined, corpus };
}

/** A way to draft that is taken where nobody names one. */
interface Way {
  readonly source: DraftSource;
  isThere(models: Models): boolean;
}

/** The ways to draft, the best first. */
const WAYS: readonly Way[] = [
  { source: 'model', isThere: ({ draft }) => draft !== undefined },
  { source: 'mtp', isThere: ({ target, canUseHead = hasHead(target) }) => canUseHead },
  { source: 'corpus', isThere: ({ corpus }) => corpus !== undefined },
  { source: 'lookup', isThere: () => true },
];

/** Settings of which the drafts' source is decided. */
export type DecidedSettings = Settings & { readonly draftFrom: DraftSource };

/** Whether a strategy with these settings drafts with a draft model, if there is one. */
export function usesDraftModel(settings: Settings): boolean {
  return sequencesOf(strategyOptions(settings)).draft > 0;
}

/**
 * Decides where drafts come from, if that was left open: from the draft model if there is one, else from the target's head if
 * it has one, else from the text so far. A strategy of mtad's that can do neither gives way to plain decoding.
 * @throws UsageError where a draft model, a head or a corpus is needed and there is none
 */
export function withDraftSource(settings: Settings, models: Models): DecidedSettings {
  const decided = withFirstSource(settings, models);
  const { strategy, draftFrom } = decided;
  const draftTail =
    decided.draftTail === draftFrom || !heedsSetting(strategy, 'draftTail') ? 'none' : decided.draftTail;
  const isFirst = takesPasses(draftFrom) && usesDraftModel(decided) && heedsSetting(strategy, 'draftFirst');
  const draftFirst = isFirst ? decided.draftFirst : 'none';
  if ([draftFirst, draftTail].some((names) => names.includes('corpus')) && models.corpus === undefined)
    throw new UsageError('Drafts are to come from a corpus, and none is loaded: name one with `draft`');
  return { ...decided, draftFirst, draftTail };
}

/** Decides where drafts begin; what goes on behind them is left as it is. */
function withFirstSource(settings: Settings, models: Models): DecidedSettings {
  const { draftFrom, strategy } = settings;
  if (!usesDraftModel({ ...settings, draftFrom: 'model' }))
    return { ...settings, draftFrom: draftFrom === 'auto' ? 'model' : draftFrom };
  const way = WAYS.find(({ source, isThere }) => isThere(models) && isMeant(source, settings));
  if (way) return { ...settings, draftFrom: way.source };
  if (draftFrom === 'auto' && typeof strategy === 'string')
    return { ...settings, draftFrom: 'model', strategy: PLAIN.name as Settings['strategy'] };
  if (draftFrom === 'mtp') throw new UsageError(whyNoHead(models));
  throw new UsageError(
    `The strategy ${definitionOf(strategy).name} drafts with a draft model, and there is none: add one with \`draft\``,
  );
}

function whyNoHead({ target }: Models): string {
  const reason =
    headRefusal(target) ??
    `the drafting head of ${target.path} needs \`engine\` direct, and a build of llama.cpp that gives out hidden states (on Windows there is none so far)`;
  return `\`draftFrom\` mtp: ${reason}; use lookup, or a draft model`;
}

/** Whether this source is asked for or left to choose, and the strategy can use it. */
function isMeant(source: DraftSource, { strategy, draftFrom }: Settings): boolean {
  if (draftFrom !== 'auto') return source === draftFrom;
  const isHeeded = source !== 'lookup' || heedsSetting(strategy, 'draftFrom');
  return isHeeded && refusalOf(strategy, { draftFrom: source }) === undefined;
}
