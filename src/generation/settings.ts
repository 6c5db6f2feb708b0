import { z } from 'zod';
import { UsageError } from '../errors.js';
import { DEFAULT_SAMPLING } from '../math/sampling-settings.js';
import { STRATEGY_SETTINGS, type StrategyDefinition } from '../strategies/definition.js';
import { refusalOf, STRATEGY_NAMES, type StrategyChoice, strategyNamed } from '../strategies/index.js';
import { checkJsonSchema } from '../text/json-schema.js';

const number = (expected: string, accept: (value: number) => boolean) =>
  z.number({ error: expected }).refine(accept, { error: expected });
const whole = (min: number, max: number) =>
  number(`a whole number from ${min} to ${max}`, (n) => Number.isInteger(n) && n >= min && n <= max);
/** Far beyond what changes any choice, and so that logits stay finite. */
const penalty = number('a number from -1e6 to 1e6', (n) => Math.abs(n) <= 1e6);

/** What a strategy of a user's own must have at least. */
const PARTS = `a name of its own, heeds (any of ${STRATEGY_SETTINGS.join(', ')}), sequences and create`;

function isStrategy(value: unknown): boolean {
  if (typeof value === 'string') return strategyNamed(value) !== undefined;
  const { name, heeds, sequences, create } = (value ?? {}) as Partial<StrategyDefinition>;
  const isNamed = typeof name === 'string' && /^[\w-]+$/.test(name);
  const isHeedful = Array.isArray(heeds) && heeds.every((one) => STRATEGY_SETTINGS.includes(one));
  if (!isNamed || !isHeedful || typeof sequences !== 'function' || typeof create !== 'function') return false;
  const namesake = strategyNamed(name);
  return namesake === undefined || namesake === value; // reports tell strategies apart by their names
}

/** Everything that decides what is generated, with the paper's defaults (Qin et al., section 6.1). */
export const settingsSchema = z.strictObject({
  strategy: z
    .custom<StrategyChoice>(isStrategy, {
      error: ({ input }) =>
        `one of ${STRATEGY_NAMES.join(', ')}${typeof input === 'object' && input ? `, or an object with ${PARTS}` : ''}`,
    })
    .default(STRATEGY_NAMES[0]!),
  draftLength: whole(1, 64).default(4),
  beamWidth: whole(1, 64).default(4),
  threshold: number('a number above 0 and at most 1', (n) => n > 0 && n <= 1).default(0.5),
  clip: z.boolean({ error: 'true or false' }).default(false),
  draftFrom: z.enum(['model', 'lookup'], { error: "'model' or 'lookup'" }).default('model'),
  temperature: number('a number, 0 or more', (n) => Number.isFinite(n) && n >= 0).default(
    DEFAULT_SAMPLING.temperature,
  ),
  topK: whole(0, 1_000_000).default(DEFAULT_SAMPLING.topK),
  topP: number('a number above 0 and at most 1', (n) => n > 0 && n <= 1).default(DEFAULT_SAMPLING.topP),
  minP: number('a number from 0 to 1', (n) => n >= 0 && n <= 1).default(0),
  /** These four as llama.cpp has them: tokens of the text so far, prompt included, become less likely. */
  repeatPenalty: number('a number from 1e-6 to 1e6', (n) => n >= 1e-6 && n <= 1e6).default(1),
  repeatLastN: whole(-1, 1_000_000).default(64), // tokens looked back on; 0 = none, -1 = all
  presencePenalty: penalty.default(0),
  frequencyPenalty: penalty.default(0),
  seed: whole(0, 2 ** 32 - 1).optional(), // undefined = another one each time
  maxTokens: whole(1, 10_000_000).default(256),
  stop: z
    .array(z.string({ error: 'a text that is not empty' }).min(1, { error: 'a text that is not empty' }), {
      error: 'a list of texts',
    })
    .default([]),
  ignoreEos: z.boolean({ error: 'true or false' }).default(false),
  /** Control tokens by their names: a prompt that is no conversation may name them, and the text shows those that are written. */
  special: z.boolean({ error: 'true or false' }).default(false),
  /** Which template messages are put into: the name of a known one, or its text in Jinja. Undefined = the model's own. */
  chatTemplate: z.string({ error: 'a text' }).optional(),
  /** Whether the model reasons before it answers, where its template has a switch for that. */
  think: z.enum(['auto', 'on', 'off'], { error: "'auto', 'on' or 'off'" }).default('auto'),
  /** What the text must look like. */
  grammar: z
    .union(
      [
        z.strictObject({ gbnf: z.string() }),
        z.strictObject({ jsonSchema: z.record(z.string(), z.unknown()) }),
      ],
      { error: '{ gbnf: a text } or { jsonSchema: an object }' },
    )
    .optional(),
  /** Also read raw log-probabilities. 'auto': where the vocabulary is small enough for it to cost little. */
  perplexity: z.union([z.boolean(), z.literal('auto')], { error: "true, false or 'auto'" }).default(false),
});

/** As a caller gives them: everything may be left out. */
export type SettingsInput = z.input<typeof settingsSchema>;
/** Checked, with a default for all that was left out; only the seed may still be open. */
export type Settings = z.output<typeof settingsSchema>;

/** @throws UsageError naming the first setting that is wrong, what it should be and what it is */
export function parseSettings(input: SettingsInput): Settings {
  const result = settingsSchema.safeParse(input);
  if (result.success) return refuseContradictions(result.data);
  const issue = result.error.issues[0]!;
  if (issue.code === 'unrecognized_keys') throw new UsageError(`Unknown setting ${issue.keys.join(', ')}`);
  const given = issue.path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown>)[key],
    input,
  );
  throw new UsageError(
    `${issue.path.join('.')} must be ${issue.message}, not ${typeof given === 'number' ? given : JSON.stringify(given)}`,
  );
}

/** @throws UsageError where one setting rules out what another asks for */
function refuseContradictions(settings: Settings): Settings {
  const { strategy, grammar, ignoreEos } = settings;
  const refusal = refusalOf(strategy, settings);
  if (refusal !== undefined) throw new UsageError(refusal);
  if (grammar && ignoreEos)
    throw new UsageError('A grammar ends the text, and --ignore-eos forbids the end: leave out one of them');
  if (grammar && 'jsonSchema' in grammar) checkJsonSchema(grammar.jsonSchema);
  return settings;
}
