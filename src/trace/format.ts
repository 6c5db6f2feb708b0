import { z } from 'zod';
import { settingsSchema } from '../generation/settings.js';
import { ROOT } from '../types.js';

/**
 * The lines of a trace: a start line, then a line a step. Writer, reader and their types come from these two schemas.
 * Logs are natural. Keys are in snake_case, as in all JSON of mtad.
 */

const whole = z.int().min(0);
const token = z.int32().min(0);
const ms = z.number();
const source = z.enum(['model', 'mtp', 'lookup', 'corpus']);

/** JSON has no -Infinity, and neither have numbers of zod. */
const logProb = z.codec(z.number().max(0).nullable(), z.custom<number>(), {
  decode: (value) => value ?? -Infinity,
  encode: (value) => (Number.isFinite(value) ? Math.min(0, value) : null), // rounding may leave a hair above 0
});

const { threshold, draftLength, clip, maxTokens } = settingsSchema.shape;

/** All settings of the run; those that a replay needs are checked as they are everywhere. */
const params = z.looseObject({
  threshold: threshold.unwrap(),
  draft_length: draftLength.unwrap(),
  clip: clip.unwrap(),
  max_tokens: maxTokens.unwrap(),
});

export const startLine = z.object({
  type: z.literal('start'),
  schema: z.literal(1),
  /** Its name. */
  strategy: z.string(),
  params,
  prompt_tokens: z.array(token),
});

/** Of a draft that branches, `draft` is the likeliest path and `nodes` the whole. */
export const stepLine = z.object({
  type: z.literal('step'),
  /** From 0. */
  index: whole,
  /** Committed tokens before it. */
  position: whole.optional(),
  draft: z.array(token),
  /** For people who read the trace. */
  draft_text: z.array(z.string()).optional(),
  /** Of each token of `draft`, given those before it. */
  log_q: z.array(logProb),
  log_p: z.array(logProb),
  /** The source of each token of `draft`, where there are several. */
  draft_from: z.array(source).optional(),
  nodes: z
    .array(
      z.object({
        token,
        /** For people. */
        text: z.string().optional(),
        parent: z.int().min(ROOT),
        log_q: logProb,
        log_p: logProb,
        /** Whether another source guessed it, behind the likeliest beam. */
        is_tail: z.boolean().optional(),
        /** Its source, where there are several. */
        from: source.optional(),
      }),
    )
    .optional(),
  /** The one that decided, where it follows the quality of the text. */
  threshold: z.number().gt(0).max(1).optional(),
  /** Beams that drafted, where their number follows the repetition of the text. */
  beam_width: z.int().min(1).optional(),
  accepted: whole,
  /** The target's own token, null where there is none. */
  next: token.nullable().optional(),
  emitted: z.array(token).min(1),
  emitted_text: z.array(z.string()).optional(),
  /** Per emitted token; null where they were not read. */
  raw_log_p: z.array(logProb).nullable().optional(),
  /** Of the draft model. */
  draft_passes: whole.optional(),
  /** `wait` is missing from traces of earlier versions. */
  ms: z.object({ draft: ms, verify: ms, wait: ms.optional(), own: ms }).optional(),
});

/** What is known of a step, before it is a line and after a line was read. */
export type StepLine = z.output<typeof stepLine>;

/** What is known of a run when it begins. */
export type StartLine = z.output<typeof startLine>;
