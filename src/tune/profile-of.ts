import type { Pair } from '../models/pair.js';
import type { CostCurves } from '../tuning/cost-curves.js';
import type { CostKey } from '../tuning/cost-store.js';
import type { Signs } from '../tuning/drift-signs.js';
import type { Learned } from '../tuning/learned.js';
import { type Placement, type Profile, tokensHash } from '../tuning/profile.js';
import { profiledModel } from '../tuning/profile-file.js';
import { referenceOf } from '../tuning/usual.js';

/** The results of a search that a profile keeps. */
export interface Findings {
  readonly costs: { readonly key: CostKey; readonly curves: CostCurves };
  /** The recommendation, by the names of settings. */
  readonly settings: Readonly<Record<string, string | number>>;
  readonly placement: Placement;
  readonly sampling: Readonly<Record<string, number>>;
  /** Undefined where the recommendation is not to draft. */
  readonly draft: { readonly learned: Learned; readonly signs: readonly (readonly Signs[])[] } | undefined;
}

/** @throws UsageError where the pair has no draft model, or a file is gone since it was loaded */
export async function profileOf(
  pair: Pair,
  { costs, settings, placement, sampling, draft }: Findings,
): Promise<Profile> {
  const { targetHeader, draftHeader } = pair;
  const [target, other] = await Promise.all(
    [targetHeader, draftHeader].map((header) => header && profiledModel(header.path)),
  );
  if (!target || !other) throw new Error('The files of the models are gone');
  const { key, curves } = costs;
  return {
    schema: 1,
    pair: { target, draft: other, vocabulary: tokensHash(targetHeader.vocabulary.tokens) },
    costs: { key, target: [...curves.target], draft: curves.draft && [...curves.draft] },
    tuned: {
      settings: { ...settings },
      placement,
      sampling: { ...sampling },
      draft: draft
        ? {
            survival: draft.learned.survival,
            usualDrop: draft.learned.usualDrop,
            reference: referenceOf(draft.signs),
          }
        : null,
    },
  };
}
