import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Learned } from './adaptive-length.js';
import { costsSchema } from './cost-store.js';
import { shifted } from './survival.js';

const model = z.object({
  path: z.string(),
  bytes: z.int().min(0),
  /** Milliseconds since 1970. */
  modified: z.number(),
});

/** Over texts: a mean, and how far texts and steps are from it. */
const usual = z.object({
  /** Of all steps. */
  mean: z.number(),
  /** Standard deviation between the means of long texts. */
  textSd: z.number().min(0),
  /** Standard deviation between the steps of a text. */
  stepSd: z.number().min(0),
  texts: z.int().min(1),
  /** Texts of one length that would tell as much of the mean. */
  evenTexts: z.number().min(1),
  steps: z.int().min(1),
});

const finite = z.number();

const draftSchema = z.object({
  /** How likely guesses are to be accepted: see survival.ts. */
  survival: z.object({
    a: finite,
    b: z.number().max(0),
    covariance: z.object({ aa: finite, ab: finite, bb: finite }),
  }),
  /** Nats by which another guess makes them all less likely. */
  usualDrop: z.number().min(0),
  /** What later texts are held against, each per step. */
  reference: z.object({
    /** How likely speculative sampling would be to accept the first guess. */
    acceptance: usual,
    /** The same, less what `survival` expected. */
    survival: usual,
    /** By how many nats an accepted guess is likelier than a token sampled in its place. */
    likelihood: usual,
    /** Emitted. */
    tokensPerPass: usual,
  }),
});

/** What of it is missing is as the engine decides. */
const placementSchema = z.object({
  threads: z.int().min(1).optional(),
  draftThreads: z.int().min(1).optional(),
  /** 0: the draft model runs on the processor. */
  draftGpuLayers: z.int().min(0).optional(),
});

const tunedSchema = z.object({
  /** What is recommended, by the names of settings. */
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  /** Where the models run best. */
  placement: placementSchema.optional(),
  /** Under which it was found. */
  sampling: z.record(z.string(), z.number()),
  /** Null where it is recommended not to draft. */
  draft: draftSchema.nullable(),
});

export const profileSchema = z.object({
  schema: z.literal(1),
  /** Whose it is; missing where only costs were measured. */
  pair: z
    .object({
      target: model,
      draft: model,
      /** A hash of the tokens. */
      vocabulary: z.string(),
    })
    .optional(),
  costs: costsSchema,
  tuned: tunedSchema.optional(),
});

/** All that is kept of a pair of models on a machine: a file that `mtad tune --save` writes and `--profile` reads. */
export type Profile = z.output<typeof profileSchema>;
export type ProfiledPair = NonNullable<Profile['pair']>;
export type ProfiledModel = z.output<typeof model>;
export type Placement = z.output<typeof placementSchema>;
export type Tuned = z.output<typeof tunedSchema>;
export type TunedDraft = z.output<typeof draftSchema>;
export type Reference = TunedDraft['reference'];
export type Usual = z.output<typeof usual>;

/** Of a vocabulary that is loaded: it is long, and asked for with each text. */
const hashes = new WeakMap<readonly string[], string>();

/** Tells vocabularies apart. */
export function vocabularyHash(tokens: readonly string[]): string {
  const hash =
    hashes.get(tokens) ?? createHash('sha256').update(JSON.stringify(tokens)).digest('hex').slice(0, 16);
  hashes.set(tokens, hash);
  return hash;
}

/** What else decides which guesses are accepted: `tune` leaves it as it is here. */
const UNTUNED: Readonly<Record<string, unknown>> = {
  draftFrom: 'model',
  clip: false,
  minP: 0,
  repeatPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  grammar: undefined,
  repetition: undefined, // it moves the beam width
};

/**
 * What a profile knows of the draft under these settings.
 * @returns undefined where it was found under others
 */
export function draftUnder(
  profile: Profile | undefined,
  settings: Readonly<Record<string, unknown>>,
): TunedDraft | undefined {
  const { tuned } = profile ?? {};
  const isSame = (under: object) => Object.entries(under).every(([name, value]) => settings[name] === value);
  const isTuned = tuned && [UNTUNED, tuned.settings, tuned.sampling].every(isSame);
  return isTuned ? (tuned.draft ?? undefined) : undefined;
}

/**
 * What the first text begins with.
 * @returns undefined where the profile knows nothing of these settings; of another threshold it tells
 */
export function learnedUnder(
  profile: Profile | undefined,
  settings: Readonly<Record<string, unknown>>,
): Learned | undefined {
  const tau = profile?.tuned?.settings.threshold;
  const isOther = typeof tau === 'number' && typeof settings.threshold === 'number';
  const draft = draftUnder(profile, isOther ? { ...settings, threshold: tau } : settings);
  if (!draft) return undefined;
  const move = isOther ? Math.log(settings.threshold as number) - Math.log(tau) : 0;
  return { survival: shifted(draft.survival, move), usualDrop: draft.usualDrop };
}
