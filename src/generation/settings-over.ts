import { refusalOf, STRATEGY_NAMES } from '../strategies/index.js';
import type { SettingsInput } from './settings.js';
import { strategySchema } from './strategy-schema.js';

/** Settings that other settings rule out, though these have other names, and when they do. */
const RIVALS: {
  readonly [Name in keyof SettingsInput]: (said: SettingsInput, weaker: SettingsInput) => boolean;
} = {
  quality: ({ threshold }) => threshold !== undefined, // it would move the threshold
  clip: ({ strategy }) => refuses(strategy, { clip: true }),
  draftFrom: ({ strategy }, { draftFrom }) => refuses(strategy, { draftFrom }),
  draftFirst: ({ strategy, draftFrom }, { strategy: weaker = STRATEGY_NAMES[0], draftFirst }) =>
    refuses(strategy ?? weaker, { draftFirst, draftFrom }),
  ignoreEos: ({ grammar }) => grammar !== undefined,
};

/**
 * Returns settings with those over them that are said more strongly: a request's over the server's, a line's over the run's.
 * Of the weaker ones, those that contradict a stronger one are left out. A strategy is never left out: what it cannot do is
 * refused.
 */
export function settingsOver(weaker: SettingsInput, stronger: SettingsInput): SettingsInput {
  const kept = Object.entries(weaker).filter(
    ([name]) => !RIVALS[name as keyof SettingsInput]?.(stronger, weaker),
  );
  return { ...Object.fromEntries(kept), ...stronger };
}

/** A name that is none is refused where settings are judged. */
function refuses(strategy: SettingsInput['strategy'], asked: SettingsInput): boolean {
  const known = strategySchema.safeParse(strategy);
  return known.success && refusalOf(known.data, asked) !== undefined;
}
