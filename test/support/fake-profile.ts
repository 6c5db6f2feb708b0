import { readHeader } from '../../src/models/header.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import {
  type Profile,
  type Tuned,
  type TunedDraft,
  tokensHash,
  type Usual,
} from '../../src/tuning/profile.js';
import { profiledModel } from '../../src/tuning/profile-file.js';

export const USUAL: Usual = {
  bySureness: [0.6, 0.7, 0.7, 0.8].map((mean) => ({ mean, stepSd: 0.45, steps: 100, evenTexts: 10 })),
  textSd: 0.05,
  stepSd: 0.45,
  texts: 10,
  evenTexts: 10,
  steps: 400,
};

export const TUNED_DRAFT: TunedDraft = {
  survival: { a: 3, b: -0.5, covariance: { aa: 0.1, ab: 0, bb: 0.1 } },
  usualDrop: 0.3,
  reference: { acceptance: USUAL, likelihood: USUAL },
};

export const TUNED: Tuned = {
  settings: { strategy: 'mtad', beamWidth: 2, draftLength: 'auto', threshold: 0.3 },
  sampling: { temperature: 1, topK: 10, topP: 0.9 },
  draft: TUNED_DRAFT,
};

/** Of the embedded pair, on a machine where rows cost little. */
export async function fakeProfile(tuned: Tuned = TUNED): Promise<Profile> {
  const [target, draft] = await Promise.all(
    [EMBEDDED_PAIR.model, EMBEDDED_PAIR.draft].map(async (path) => (await profiledModel(path))!),
  );
  const header = await readHeader(EMBEDDED_PAIR.model);
  return {
    schema: 1,
    pair: { target: target!, draft: draft!, vocabulary: tokensHash(header.vocabulary.tokens) },
    costs: {
      key: { target: 'stories', text_up_to: 512 },
      target: [
        { rows: 1, ms: 10, insideMs: 9 },
        { rows: 17, ms: 12 },
      ],
      draft: [{ rows: 1, ms: 0.1 }],
    },
    tuned,
  };
}
