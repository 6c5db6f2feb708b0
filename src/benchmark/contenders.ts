import { closest, distance } from 'fastest-levenshtein';
import { UsageError } from '../errors.js';
import { parseSettings, type Settings, type SettingsInput } from '../generation/settings.js';
import { canClip, STRATEGY_NAMES, type StrategyName } from '../strategies/index.js';
import { nameOf } from './names.js';
import type { Contender } from './report.js';

/** What is to be compared: every strategy with every combination of the settings that it has. */
export interface Field {
  readonly strategies: readonly StrategyName[];
  readonly draftLengths: readonly number[];
  readonly beamWidths: readonly number[];
  readonly thresholds: readonly number[];
  readonly clip: boolean; // mtad with clip too
  readonly draftFrom: Settings['draftFrom'];
  readonly baselines: boolean; // also greedy, temperature 0.7 and mtjd
}

/** One of them on any engine. */
export interface Entry {
  readonly name: string;
  readonly role: Contender['role'];
  readonly settings: SettingsInput; // what is not here holds for all
}

export const DEFAULT_STRATEGIES: readonly StrategyName[] = ['autoregressive', 'speculative', 'mtad', 'mmtad'];

/** Text of the same target that costs no more than plain sampling and is likelier: what joint decoding must be held against. */
const BASELINES: readonly Entry[] = [
  { name: 'greedy', role: 'baseline', settings: { strategy: 'autoregressive', temperature: 0 } },
  { name: 'temperature 0.7', role: 'baseline', settings: { strategy: 'autoregressive', temperature: 0.7 } },
];

/** @throws UsageError for a name that is no strategy, with the one that was probably meant */
export function parseStrategies(list: string): StrategyName[] {
  return list.split(',').map((word) => {
    const name = word.trim() as StrategyName;
    if (STRATEGY_NAMES.includes(name)) return name;
    const near = closest(name, STRATEGY_NAMES);
    const hint = distance(name, near) <= 2 ? `; did you mean ${near}?` : '';
    throw new UsageError(
      `No strategy ${JSON.stringify(name)}${hint} (there are ${STRATEGY_NAMES.join(', ')})`,
    );
  });
}

/**
 * Every strategy with every combination of the settings that it has, and the baselines where they are asked for.
 * @throws UsageError where settings contradict each other
 */
export function expand(field: Field): Entry[] {
  const { strategies, baselines, draftLengths, beamWidths } = field;
  const entries = [...new Set(strategies)].flatMap((strategy) => expandStrategy(strategy, field));
  if (!baselines) return entries;
  const joint = strategies.includes('mtjd')
    ? []
    : expandStrategy('mtjd', { ...field, draftLengths: [draftLengths[0]!], beamWidths: [beamWidths[0]!] });
  return [...entries, ...BASELINES, ...joint.map((entry) => ({ ...entry, role: 'baseline' as const }))];
}

/** Which lists a strategy has a use for. */
const USES: Record<StrategyName, readonly ('draftLength' | 'beamWidth' | 'threshold')[]> = {
  autoregressive: [],
  speculative: ['draftLength'],
  block: ['draftLength'],
  mtad: ['draftLength', 'beamWidth', 'threshold'],
  mmtad: ['draftLength', 'beamWidth', 'threshold'],
  mtjd: ['draftLength', 'beamWidth'],
};

function expandStrategy(strategy: StrategyName, field: Field): Entry[] {
  const { draftLengths, beamWidths, thresholds, clip, draftFrom } = field;
  const uses = USES[strategy];
  const values = (key: (typeof uses)[number], list: readonly number[]) =>
    uses.includes(key) && list.length > 0 ? [...new Set(list)] : [undefined];
  const looksUp = draftFrom === 'lookup' && strategy !== 'mtjd';
  const clips = clip && canClip(strategy) ? [false, true] : [false];
  const entries: Entry[] = [];
  for (const draftLength of values('draftLength', draftLengths))
    for (const beamWidth of values('beamWidth', looksUp ? [] : beamWidths))
      for (const [threshold, clipped] of values('threshold', thresholds).flatMap((threshold) =>
        clips.map((c) => [threshold, c] as const),
      )) {
        const settings: SettingsInput = {
          strategy,
          ...(draftLength === undefined ? {} : { draftLength }),
          ...(beamWidth === undefined ? {} : { beamWidth }),
          ...(threshold === undefined ? {} : { threshold }),
          ...(clipped ? { clip: true } : {}),
          ...(uses.includes('draftLength') && looksUp ? { draftFrom } : {}),
        };
        parseSettings(settings);
        entries.push({ name: nameOf(settings), role: 'strategy', settings });
      }
  return entries;
}
