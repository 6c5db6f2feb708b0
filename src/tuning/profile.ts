import { createHash } from 'node:crypto';
import { z } from 'zod';
import { costsSchema } from './cost-store.js';
import { SURENESSES } from './drift-signs.js';
import { type Learned, survivalSchema, under } from './learned.js';

const model = z.object({
  path: z.string(),
  bytes: z.int().min(0),
  /** Milliseconds since 1970. */
  modified: z.number(),
});

/** The usual values of a sign over texts, and the spread of texts and steps. */
const usual = z.object({
  /**
   * For each sureness of guesses (see drift-signs.ts): the mean of all steps, the standard deviation between the steps of a
   * text, and the size of the sample.
   */
  bySureness: z
    .array(
      z.object({
        mean: z.number(),
        stepSd: z.number().min(0),
        steps: z.int().min(0),
        evenTexts: z.number().min(1),
      }),
    )
    .length(SURENESSES),
  /** Standard deviation between the means of long texts. */
  textSd: z.number().min(0),
  /** Standard deviation between the steps of a text, those of every sureness. */
  stepSd: z.number().min(0),
  texts: z.int().min(1),
  /** Number of texts of one length that would tell as much. */
  evenTexts: z.number().min(1),
  steps: z.int().min(0),
});

const draftSchema = z.object({
  /** The probability that guesses are accepted (see survival.ts). */
  survival: survivalSchema,
  /** Nats by which one more guess lowers the joint log-probability of a draft. */
  usualDrop: z.number().min(0),
  /** The usual values of signs, with which later texts are compared. They are of the first guess of each step. */
  reference: z.object({
    /** The probability that speculative sampling would accept it. */
    acceptance: usual,
    /** The nats by which the target finds it likelier than a token sampled in its place. */
    likelihood: usual,
  }),
});

/** The engine decides what is missing. */
const placementSchema = z.object({
  threads: z.int().min(1).optional(),
  draftThreads: z.int().min(1).optional(),
  /** 0: the draft model runs on the processor. */
  draftGpuLayers: z.int().min(0).optional(),
});

const tunedSchema = z.object({
  /** The recommendation, by the names of settings. */
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  /** The best placement of the models. */
  placement: placementSchema.optional(),
  /** The sampling settings under which it was found. */
  sampling: z.record(z.string(), z.number()),
  /** Null where the recommendation is not to draft. */
  draft: draftSchema.nullable(),
});

export const profileSchema = z.object({
  schema: z.literal(1),
  /** The pair that it belongs to; missing where only costs were measured. */
  pair: z
    .object({
      target: model,
      draft: model,
      /** A hash of the target's tokens. */
      vocabulary: z.string(),
    })
    .optional(),
  costs: costsSchema,
  tuned: tunedSchema.optional(),
});

/** The kept facts of a pair on a machine: a file that `mtad tune --save` writes and `--profile` reads. */
export type Profile = z.output<typeof profileSchema>;
export type ProfiledPair = NonNullable<Profile['pair']>;
export type ProfiledModel = z.output<typeof model>;
export type Placement = z.output<typeof placementSchema>;
export type Tuned = z.output<typeof tunedSchema>;
export type TunedDraft = z.output<typeof draftSchema>;
export type Reference = TunedDraft['reference'];
export type Usual = z.output<typeof usual>;

/** Hashes of loaded vocabularies, which are long, and needed for each text. */
const hashes = new WeakMap<readonly string[], string>();

/** Returns a hash of the texts of all tokens. */
export function tokensHash(tokens: readonly string[]): string {
  const hash =
    hashes.get(tokens) ?? createHash('sha256').update(JSON.stringify(tokens)).digest('hex').slice(0, 16);
  hashes.set(tokens, hash);
  return hash;
}

/** Other settings that decide which guesses are accepted, as `tune` has them. */
const UNTUNED: Readonly<Record<string, unknown>> = {
  draftFrom: 'model', // whatever guesses in some of the steps in its place, or goes on behind it
  clip: false,
  minP: 0,
  repeatPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  grammar: undefined,
  repetition: undefined, // it moves the beam width
};

/**
 * Returns the knowledge of a profile about the draft; undefined: the profile was made under other settings.
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
 * Returns the draft's usual values, which texts are compared with. Undefined also where a source may guess in place of the
 * model: it takes the easy places, and the others are no fair sample.
 */
export function usualUnder(
  profile: Profile | undefined,
  settings: Readonly<Record<string, unknown>>,
): TunedDraft | undefined {
  return settings.draftFirst === 'none' ? draftUnder(profile, settings) : undefined;
}

/**
 * Returns the knowledge about the draft that the first text begins with. It is adjusted to another threshold; undefined: the
 * profile was made under other settings.
 */
export function learnedUnder(
  profile: Profile | undefined,
  settings: Readonly<Record<string, unknown>>,
): Learned | undefined {
  const tau = profile?.tuned?.settings.threshold;
  const isOther = typeof tau === 'number' && typeof settings.threshold === 'number';
  const draft = draftUnder(profile, isOther ? { ...settings, threshold: tau } : settings);
  if (!draft) return undefined;
  const { survival, usualDrop } = draft;
  const threshold = typeof tau === 'number' ? tau : 1;
  const learned = { threshold, survival, usualDrop };
  return isOther ? under(learned, settings.threshold as number) : learned;
}
