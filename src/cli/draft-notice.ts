import { basename } from 'node:path';
import type { DraftSource } from '../drafting/drafter.js';
import type { DecidedSettings } from '../generation/draft-source.js';
import type { Settings } from '../generation/settings.js';
import type { PairFiles } from '../models/pair.js';
import { definitionOf } from '../strategies/index.js';

/** What guesses where nobody said what. */
const GUESSES: Partial<Record<DraftSource, string>> = {
  mtp: 'its own drafting head (MTP) guesses',
  lookup: 'guesses are looked up in the text so far',
};

/** Returns the notice about what drafts beside a target alone; undefined where that was said, or nothing drafts. */
export function draftNotice(
  asked: Settings,
  decided: DecidedSettings,
  { target, draft }: Pick<PairFiles, 'target' | 'draft'>,
): string | undefined {
  if (draft || asked.draftFrom !== 'auto') return undefined;
  const alone = `${basename(target.path)} has no draft model (-d)`;
  if (decided.strategy !== asked.strategy)
    return `${alone}, and ${definitionOf(asked.strategy).name} needs one: the text is written token by token`;
  const guess = GUESSES[decided.draftFrom];
  return guess && `${alone}: ${guess}`;
}
