import type { Command } from 'commander';
import { OPTION_SETTINGS, type OptionSetting } from '../generation/setting-names.js';
import type { SettingsInput } from '../generation/settings.js';
import type { StrategyName } from '../strategies/index.js';
import { draftChains } from './model-options.js';
import { settingOption } from './setting-options.js';
import { TEMPLATE_SETTINGS, type TemplateSetting } from './template-options.js';

/** The name of a setting that decides which text comes out. */
export type DecodingSetting = Exclude<OptionSetting, TemplateSetting>;

export const DECODING_SETTINGS = OPTION_SETTINGS.filter(
  (name): name is DecodingSetting => !TEMPLATE_SETTINGS.some((other) => other === name),
);

/** What decides which text comes out: what every command that writes one text is asked. Undefined = not given. */
export type DecodingFlags = Pick<SettingsInput, DecodingSetting> & { strategy: StrategyName };

export function addDecodingOptions(program: Command): void {
  for (const name of DECODING_SETTINGS) program.addOption(settingOption(name));
}

/** @returns those flags that are settings; both have one name */
export function settingsOf(flags: DecodingFlags & { readonly draft?: string }): SettingsInput {
  const given = DECODING_SETTINGS.map((name) => [name, flags[name]]);
  return { ...Object.fromEntries(given), ...draftChains(flags)[0] };
}
