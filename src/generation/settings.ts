import { z } from 'zod';
import { DRAFT_FIRSTS } from '../drafting/drafter.js';
import { DEFAULT_SAMPLING } from '../math/sampling-settings.js';
import { STRATEGIES, STRATEGY_NAMES } from '../strategies/index.js';
import { KNOWN_TEMPLATES } from '../templates/known-templates.js';
import { strategySchema } from './strategy-schema.js';

const number = (expected: string, accept: (value: number) => boolean) =>
  z.number({ error: expected }).refine(accept, { error: expected });
const whole = (min: number, max: number) =>
  number(`a whole number from ${min} to ${max}`, (n) => Number.isInteger(n) && n >= min && n <= max);
/** Far beyond what changes any choice, and so that logits stay finite. */
const penalty = number('a number from -1e6 to 1e6', (n) => Math.abs(n) <= 1e6);

/** More tokens than any context has room for: the text ends by itself, or where the context is full. */
export const UNLIMITED = 10_000_000;

/** All that anybody may ask about a setting. Its name is the same in the library, JSON, traces, files and, with hyphens, on the command line. */
export interface SettingRow {
  /** Range and default; its error says what a value must be. */
  readonly schema: z.ZodType;
  /** One line for a list of options. Undefined = no option has this name: others stand for it. */
  readonly help?: string;
  /** What stands for the value in that list; undefined = a switch. */
  readonly value?: string;
  /** A letter that stands for the option. */
  readonly short?: string;
  /**
   * In a benchmark: 'compared' = each of several values makes a contender, 'shared' = one value holds for all contenders,
   * undefined = it stands at its default.
   */
  readonly benchmark?: 'compared' | 'shared';
  /** Of one that is compared, in the names of contenders: 'k' as in 'mtad k=4'. */
  readonly symbol?: string;
}

const flag = z.boolean({ error: 'true or false' }).default(false);
const share = number('a number above 0 and at most 1', (n) => n > 0 && n <= 1);
const text = z.string({ error: 'a text that is not empty' }).min(1, { error: 'a text that is not empty' });

/** Everything that decides what is generated, in the order of the help, with the paper's defaults (Qin et al., section 6.1). */
export const SETTINGS = {
  strategy: {
    schema: strategySchema.default(STRATEGY_NAMES[0]!),
    help: Object.values(STRATEGIES)
      .map(({ name, help }) => `${name} (${help})`)
      .join(', '),
    value: 'name',
  },
  draftLength: {
    schema: z
      .union([z.literal('auto'), whole(1, 64)], { error: "'auto' or a whole number from 1 to 64" })
      .default('auto'),
    help: 'tokens drafted per step; auto = as many as pay',
    value: 'n',
    short: 'k',
    benchmark: 'compared',
    symbol: 'k',
  },
  beamWidth: {
    schema: whole(1, 64).default(4),
    help: 'beams kept while drafting',
    value: 'n',
    short: 'w',
    benchmark: 'compared',
    symbol: 'w',
  },
  threshold: {
    schema: z
      .union([z.literal('auto'), share], { error: "'auto' or a number above 0 and at most 1" })
      .default(0.5),
    help: "accept while the joint likelihood is at least tau times the draft's, (0, 1]; auto = as the quality allows",
    value: 'tau',
    benchmark: 'compared',
    symbol: 'tau',
  },
  quality: {
    schema: number('a number from 0.5 to 2', (n) => n >= 0.5 && n <= 2).optional(),
    help: "instead of a threshold: perplexity at most so many times that of the target's own sampling",
    value: 'ratio',
    benchmark: 'compared',
    symbol: 'quality',
  },
  repetition: {
    schema: number('a number from 0 to 1', (n) => n >= 0 && n <= 1).optional(),
    help: 'fewer beams where more than this share of the 4-grams of a text is repeated (default: 0.05 with a quality)',
    value: 'share',
    benchmark: 'compared',
    symbol: 'repetition',
  },
  clip: {
    schema: flag,
    help: 'do not let a lucky token pay for later bad ones',
    benchmark: 'compared',
    symbol: 'clip',
  },
  /** 'auto': from the draft model if there is one, else from the text so far, else not at all. */
  draftFrom: {
    schema: z
      .enum(['auto', 'model', 'mtp', 'lookup', 'corpus'], {
        error: "'auto', 'model', 'mtp', 'lookup' or 'corpus'",
      })
      .default('auto'),
  },
  /** What guesses in place of the draft where that is expected to gain more, without a pass of a model. */
  draftFirst: {
    schema: z
      .enum(DRAFT_FIRSTS, {
        error: "'none', 'lookup', 'corpus' or 'corpus+lookup'",
      })
      .default('none'),
  },
  /** What goes on where the draft ends, without a pass of a model. */
  draftTail: {
    schema: z.enum(['none', 'lookup', 'corpus'], { error: "'none', 'lookup' or 'corpus'" }).default('none'),
  },
  temperature: {
    schema: number('a number, 0 or more', (n) => Number.isFinite(n) && n >= 0).default(
      DEFAULT_SAMPLING.temperature,
    ),
    help: '0 = the most likely token',
    value: 't',
    benchmark: 'shared',
  },
  topK: {
    schema: whole(0, 1_000_000).default(DEFAULT_SAMPLING.topK),
    help: 'keep the k likeliest tokens, 0 = all',
    value: 'k',
    benchmark: 'shared',
  },
  topP: {
    schema: share.default(DEFAULT_SAMPLING.topP),
    help: 'keep the likeliest tokens up to this mass, 1 = all',
    value: 'p',
    benchmark: 'shared',
  },
  minP: {
    schema: number('a number from 0 to 1', (n) => n >= 0 && n <= 1).default(0),
    help: 'then drop what is less likely than p times the likeliest, 0 = none',
    value: 'p',
  },
  /** This and the next three as llama.cpp has them: tokens of the text so far, prompt included, become less likely. */
  repeatPenalty: {
    schema: number('a number from 1e-6 to 1e6', (n) => n >= 1e-6 && n <= 1e6).default(1),
    help: 'make tokens that were used less likely, 1 = off',
    value: 'x',
  },
  repeatLastN: {
    schema: whole(-1, 1_000_000).default(64), // tokens looked back on; 0 = none, -1 = all
    help: 'used among the last n tokens; -1 = all',
    value: 'n',
  },
  presencePenalty: {
    schema: penalty.default(0),
    help: 'subtract from the logits of used tokens',
    value: 'x',
  },
  frequencyPenalty: {
    schema: penalty.default(0),
    help: 'the same for each time it was used',
    value: 'x',
  },
  seed: {
    schema: whole(0, 2 ** 32 - 1).optional(), // undefined = another one each time
    help: 'the same seed gives the same text, with a fixed draft length or the file of a profile (default: random)',
    value: 'n',
  },
  maxTokens: {
    schema: whole(1, UNLIMITED).default(UNLIMITED),
    help: 'tokens of a text at most (default: none)',
    value: 'n',
    short: 'n',
    benchmark: 'shared',
  },
  stop: {
    schema: z.array(text, { error: 'a list of texts' }).default([]),
    help: 'end before this text; repeatable',
    value: 'text',
  },
  ignoreEos: { schema: flag, help: 'never end by itself', benchmark: 'shared' },
  /** Control tokens by their names: a prompt that is no conversation may name them, and the text shows those that are written. */
  special: {
    schema: flag,
    help: 'control tokens by their names: in a prompt without template, and in the text',
    benchmark: 'shared',
  },
  /** Which template messages are put into: the name of a known one, or its text in Jinja. Undefined = the model's own. */
  chatTemplate: {
    schema: z.string({ error: 'a text' }).optional(),
    help: `instead of the model's own: ${[...KNOWN_TEMPLATES.keys()].join(', ')}, or its text in Jinja`,
    value: 'template',
  },
  /** Whether the model reasons before it answers, where its template has a switch for that. */
  think: {
    schema: z.enum(['auto', 'on', 'off'], { error: "'auto', 'on' or 'off'" }).default('auto'),
    help: 'whether a model reasons first, if its template has a switch for it',
    value: 'when',
  },
  /** What the text must look like. */
  grammar: {
    schema: z
      .union(
        [
          z.strictObject({ gbnf: z.string() }),
          z.strictObject({ jsonSchema: z.record(z.string(), z.unknown()) }),
        ],
        { error: '{ gbnf: a text } or { jsonSchema: an object }' },
      )
      .optional(),
  },
  /** Also read raw log-probabilities. 'auto': where the vocabulary is small enough for it to cost little. */
  perplexity: {
    schema: z.union([z.boolean(), z.literal('auto')], { error: "true, false or 'auto'" }).default(false),
  },
} as const satisfies Record<string, SettingRow>;

/** The name of a setting. */
export type SettingName = keyof typeof SETTINGS;

/** Judges all settings together. */
export const settingsSchema = z.strictObject(
  Object.fromEntries(Object.entries(SETTINGS).map(([name, { schema }]) => [name, schema])) as {
    readonly [Name in SettingName]: (typeof SETTINGS)[Name]['schema'];
  },
);

/** As a caller gives them: everything may be left out. */
export type SettingsInput = z.input<typeof settingsSchema>;
/** Checked, with a default for all that was left out; only the seed may still be open. */
export type Settings = z.output<typeof settingsSchema>;

/** What holds where nothing is said. */
export const DEFAULTS: Settings = settingsSchema.parse({});
