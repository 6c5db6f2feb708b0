import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createCommand } from '../../src/cli/command.js';
import { COMMANDS } from '../../src/cli/commands/index.js';
import { optionOf, settingOption } from '../../src/cli/setting-options.js';
import { settingName } from '../../src/cli/settings/names.js';
import { parseGiven } from '../../src/cli/settings/values.js';
import { COMPARED_SETTINGS, OPTION_SETTINGS, SHARED_SETTINGS } from '../../src/generation/setting-names.js';
import { DEFAULTS, SETTINGS, type SettingName } from '../../src/generation/settings.js';
import { ioInMemory } from '../support/run-in-process.js';

const NAMES = Object.keys(SETTINGS) as SettingName[];

async function optionsOf(command: string) {
  const { options } = await createCommand(command, ioInMemory(), COMMANDS);
  return new Map(options.map((option) => [option.attributeName(), option]));
}

describe('the options of a command', () => {
  it.each(['generate', 'chat'])(
    '%s has one for each setting that has a line of help, with its default',
    async (name) => {
      const options = await optionsOf(name);
      for (const setting of OPTION_SETTINGS) {
        const option = options.get(setting)!;
        expect(option.description).toBe(SETTINGS[setting].help);
        expect(option.defaultValue).toEqual(DEFAULTS[setting] === false ? undefined : DEFAULTS[setting]);
      }
    },
  );

  it('those of a benchmark are lists of what is compared and one value of what is shared', async () => {
    const options = await optionsOf('benchmark');
    for (const setting of COMPARED_SETTINGS) expect(options.has(setting)).toBe(true);
    for (const setting of SHARED_SETTINGS) expect(options.get(setting)!.flags).not.toContain('<list>');
    expect(parseGiven(options.get('threshold')!, '0.5,1')).toEqual([0.5, 1]);
  });

  it('no two settings share a letter', () => {
    const letters = OPTION_SETTINGS.map((name) => settingOption(name).short).filter((short) => short);
    expect(new Set(letters).size).toBe(letters.length);
  });
});

describe('the table of settings', () => {
  it('has a symbol for each setting that is compared, no two alike', () => {
    const symbols = COMPARED_SETTINGS.map((name) => SETTINGS[name].symbol);
    expect(new Set(symbols).size).toBe(COMPARED_SETTINGS.length);
  });

  it('names each setting as its option', () => {
    for (const name of OPTION_SETTINGS) expect(settingOption(name).attributeName()).toBe(name);
    for (const name of NAMES) expect(name).toMatch(/^[a-z]+([A-Z][a-z]*)*$/);
  });
});

describe('a row whose value is a word or a number', () => {
  const row = {
    schema: z
      .union([z.literal('auto'), z.int().min(0).max(64)], { error: "'auto' or a whole number from 0 to 64" })
      .default('auto'),
    help: 'tokens drafted per step',
    value: 'n',
    short: 'k',
  };
  const one = optionOf('draftLength', row);
  const list = optionOf('draftLength', row, { isList: true });

  it('is an option that takes both', () => {
    expect(one.flags).toBe('-k, --draft-length <n>');
    expect(one.defaultValue).toBe('auto');
    const program = new Command().exitOverride().addOption(one);
    expect(program.parse(['-k', 'auto'], { from: 'user' }).opts()).toEqual({ draftLength: 'auto' });
    expect(program.parse(['-k', '8'], { from: 'user' }).opts()).toEqual({ draftLength: 8 });
  });

  it.each(['65', '1.5', 'automatic', '', ' '])('refuses %j and says what it takes', (text) => {
    const refusal = "It must be 'auto' or a whole number from 0 to 64.";
    expect(() => parseGiven(one, text)).toThrow(refusal);
    expect(() => parseGiven(list, `auto,${text}`)).toThrow(refusal);
  });

  it('is a list of both in a benchmark, and either in a settings file', () => {
    expect(list.flags).toBe('-k, --draft-length <list>');
    expect(list.description).toBe('tokens drafted per step (default: auto)');
    expect(parseGiven(list, 'auto,2,4')).toEqual(['auto', 2, 4]);
    expect(parseGiven(list, ['auto', 2, 4])).toEqual(['auto', 2, 4]);
    expect([parseGiven(one, 'auto'), parseGiven(one, 0), parseGiven(one, 64)]).toEqual(['auto', 0, 64]);
    expect(settingName(one)).toBe('draft-length');
  });
});
