import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { parseSettings } from '../../src/generation/parse-settings.js';
import { type SettingsInput, settingsSchema } from '../../src/generation/settings.js';
import { STRATEGY_NAMES } from '../../src/strategies/index.js';

const NO_NUMBERS = ['1', 'four', null, [1], true];

/** For each setting: words of what it should be, values that are wrong, values at the edge that are right. */
const RULES: [setting: string, expectation: RegExp, wrong: unknown[], right: unknown[]][] = [
  ['strategy', /one of .*mtad.*speculative/, ['beam', '', 3, null], [...STRATEGY_NAMES]],
  ['draftLength', /whole number from 1 to 64/, [...NO_NUMBERS, 0, -1, 2.5, 65], [1, 64, 'auto']],
  ['beamWidth', /whole number from 1 to 64/, [...NO_NUMBERS, 0, -1, 2.5, 65], [1, 64]],
  ['threshold', /above 0 and at most 1/, [...NO_NUMBERS, 0, -0.5, 1.01], [1e-9, 1, 'auto']],
  ['quality', /a number from 0.5 to 2/, [...NO_NUMBERS, 0, 2.5], [1]],
  ['repetition', /from 0 to 1/, [...NO_NUMBERS, -0.1, 1.01], [0, 0.05, 1]],
  ['clip', /true or false/, [1, 'yes', null], [true, false]],
  [
    'draftFrom',
    /'auto', 'model', 'mtp', 'lookup' or 'corpus'/,
    ['prompt', '', 1, null],
    ['auto', 'model', 'lookup'],
  ],
  [
    'draftFirst',
    /'none', 'lookup', 'corpus' or 'corpus\+lookup'/,
    ['model', 'mtp', '', 1, null],
    ['none', 'lookup', 'corpus', 'corpus+lookup'],
  ],
  ['draftTail', /'none', 'lookup' or 'corpus'/, ['model', '', 1, null], ['none', 'lookup', 'corpus']],
  ['temperature', /0 or more/, [...NO_NUMBERS, -1, -1e-9], [0, 0.001, 2]],
  ['topK', /whole number from 0 to/, [...NO_NUMBERS, -1, 1.5, 1e9], [0, 1, 1000]],
  ['topP', /above 0 and at most 1/, [...NO_NUMBERS, 0, -0.5, 1.01], [1e-9, 1]],
  ['minP', /from 0 to 1/, [...NO_NUMBERS, -0.1, 1.01], [0, 0.05, 1]],
  ['repeatPenalty', /from 1e-6 to 1e6/, [...NO_NUMBERS, 0, -1, 1e-7, 1e300], [1e-6, 0.5, 1, 1.1, 1e6]],
  ['repeatLastN', /whole number from -1 to/, [...NO_NUMBERS, -2, 1.5], [-1, 0, 64]],
  ['presencePenalty', /from -1e6 to 1e6/, [...NO_NUMBERS, 1e308, -1e7], [-1e6, -2, 0, 0.6, 1e6]],
  ['frequencyPenalty', /from -1e6 to 1e6/, [...NO_NUMBERS, 1e308, -1e7], [-1e6, -2, 0, 0.6, 1e6]],
  ['seed', /whole number from 0 to 4294967295/, [...NO_NUMBERS, -1, 1.5, 2 ** 32], [0, 2 ** 32 - 1]],
  ['maxTokens', /whole number from 1 to/, [...NO_NUMBERS, 0, -1, 1.5], [1, 100_000]],
  ['stop', /text/, ['END', 3, null], [[], ['END', '\n']]],
  ['ignoreEos', /true or false/, [0, 'no'], [true, false]],
  ['special', /true or false/, [1, 'yes'], [true, false]],
  ['chatTemplate', /a text/, [7, true], ['chatml', '{{ messages }}']],
  ['think', /'auto', 'on' or 'off'/, ['yes', true], ['auto', 'on', 'off']],
  [
    'grammar',
    /gbnf.*jsonSchema/,
    [null, 'root', {}, { gbnf: 1 }, { jsonSchema: [] }, { gbnf: '', jsonSchema: {} }],
    [{ gbnf: 'root ::= "a"' }, { jsonSchema: { type: 'null' } }],
  ],
  ['perplexity', /true.*false/, [0, 'no'], [true, false]],
];

const NUMERIC = [
  ...['draftLength', 'beamWidth', 'threshold', 'temperature', 'topK', 'topP', 'minP', 'seed', 'maxTokens'],
  ...['repeatPenalty', 'repeatLastN', 'presencePenalty', 'frequencyPenalty'],
];

function refusal(input: object): Error {
  try {
    parseSettings(input as SettingsInput);
  } catch (error) {
    return error as Error;
  }
  throw new Error(`${JSON.stringify(input)} was not refused`);
}

describe('parseSettings', () => {
  it("has the paper's defaults", () => {
    expect(parseSettings({})).toEqual({
      strategy: 'mtad',
      draftLength: 'auto',
      beamWidth: 4,
      threshold: 0.5,
      clip: false,
      draftFrom: 'auto',
      draftFirst: 'none',
      draftTail: 'none',
      temperature: 1,
      topK: 10,
      topP: 0.9,
      minP: 0,
      repeatPenalty: 1,
      repeatLastN: 64,
      presencePenalty: 0,
      frequencyPenalty: 0,
      maxTokens: 10_000_000,
      stop: [],
      ignoreEos: false,
      special: false,
      think: 'auto',
      perplexity: false,
    });
  });

  it('is told here all that it must refuse', () => {
    expect(RULES.map(([setting]) => setting)).toEqual(Object.keys(settingsSchema.shape));
  });

  describe.each(RULES)('for %s', (setting, expectation, wrong, right) => {
    it('refuses what is wrong and says what it should be and what it is', () => {
      for (const value of wrong) {
        const error = refusal({ [setting]: value });
        expect(error).toBeInstanceOf(UsageError);
        expect(error.message).toMatch(new RegExp(`^\`${setting}\` must be .*${expectation.source}.*, not `));
        expect(error.message).not.toMatch(/invalid input/i);
        expect(error.message.endsWith(`, not ${JSON.stringify(value)}`)).toBe(true);
      }
    });

    it('takes what is right, up to the edge', () => {
      for (const value of right)
        expect(parseSettings({ [setting]: value } as SettingsInput)).toMatchObject({ [setting]: value });
    });

    it('takes undefined for left out', () => {
      expect(parseSettings({ [setting]: undefined } as SettingsInput)).toEqual(parseSettings({}));
    });
  });

  it.each(NUMERIC)('refuses numbers that are none for %s, and shows which', (setting) => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const { message } = refusal({ [setting]: value });
      expect(message.startsWith(`\`${setting}\` must be `)).toBe(true);
      expect(message.endsWith(`, not ${value}`)).toBe(true);
    }
  });

  it.each([
    ['', '""'],
    [7, '7'],
  ])('refuses %o among the stop strings', (value, text) => {
    const { message } = refusal({ stop: ['END', value] });
    expect(message).toMatch(/^`stop.*must be a text/);
    expect(message.endsWith(`not ${text}`)).toBe(true);
  });

  it.each<[SettingsInput, RegExp]>([
    [{ strategy: 'mmtad', clip: true }, /clip.*rule of mtad.*use mtad/],
    [{ strategy: 'mmtad', draftFrom: 'lookup' }, /lookup.*single guess.*use mtad/],
  ])('refuses %o, which rule each other out', (input, message) => {
    const error = refusal(input);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(message);
    expect(parseSettings({ ...input, strategy: 'mtad' })).toMatchObject({ ...input, strategy: 'mtad' });
  });

  it('refuses what is no setting, by name', () => {
    const error = refusal({ draftLength: 3, temprature: 1 });
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain('temprature');
  });

  it('changes none of the settings given', () => {
    const given = { strategy: 'speculative', draftLength: 7, seed: 3, stop: ['.'], topK: 0 } as const;
    expect(parseSettings({ ...given, stop: [...given.stop] })).toMatchObject(given);
  });
});
