import { closest, distance } from 'fastest-levenshtein';
import type { DraftChain } from '../drafting/drafter.js';
import { UsageError } from '../errors.js';
import { isAdaptive, strategyOptions } from '../generation/draft-length.js';
import { usesDraftModel } from '../generation/draft-source.js';
import { parseSettings } from '../generation/parse-settings.js';
import { COMPARED_SETTINGS, type ComparedSetting } from '../generation/setting-names.js';
import { DEFAULTS, SETTINGS, type Settings, type SettingsInput } from '../generation/settings.js';
import type { StrategySetting } from '../strategies/definition.js';
import {
  definitionOf,
  heedsSetting,
  PLAIN,
  refusalOf,
  STRATEGY_NAMES,
  type StrategyChoice,
  type StrategyName,
  USUAL,
} from '../strategies/index.js';
import type { ContenderSettings } from './report.js';

/** Values of settings; one without a list stands at its default. */
export type Lists = { readonly [Name in ComparedSetting]?: readonly Settings[Name][] | undefined };

/** What is to be compared: every strategy with every combination of the settings that it heeds. */
export interface Field extends Lists {
  readonly strategies: readonly StrategyChoice[];
  /** Each makes contenders of the strategies that can use it; undefined = what there is. */
  readonly drafts?: readonly DraftChain[] | undefined;
  /** Also greedy, temperature 0.7 and the strategies that are baselines. */
  readonly baselines: boolean;
}

/** One of them on any engine. */
export interface Entry {
  readonly role: 'strategy' | 'baseline';
  readonly strategy: StrategyChoice;
  readonly settings: ContenderSettings;
}

/** What people call a contender of ours: 'mtad k=4 w=4 tau=0.5', after the options of the command line. */
export function nameOf({ role, strategy, settings }: Entry): string {
  const { draftFirst, draftFrom, draftTail, temperature } = settings;
  if (role === 'baseline' && temperature !== undefined)
    return temperature === 0 ? 'greedy' : `temperature ${temperature}`;
  const said = COMPARED_SETTINGS.filter((name) => settings[name] !== undefined).map((name) => {
    const { symbol } = SETTINGS[name];
    return settings[name] === true ? symbol : `${symbol}=${settings[name]}`;
  });
  const chain = [draftFirst, draftFrom, draftTail].filter((name) => name !== undefined);
  const source = chain.length > 1 || isSaid(draftFrom) ? [chain.join('+')] : [];
  return [definitionOf(strategy).name, ...said, ...source].join(' ');
}

/** All that a strategy's generations are told of it. */
export function settingsOf({ strategy, settings }: Entry): SettingsInput {
  return { strategy, ...settings };
}

/** What a benchmark compares where nobody says what: what speed-ups are over comes first. */
export const DEFAULT_STRATEGIES: readonly StrategyName[] = [
  ...new Set([PLAIN.name, USUAL.name, ...STRATEGY_NAMES] as StrategyName[]),
].filter((name) => definitionOf(name).benchmark === 'contender');

/** Text of the same target that costs no more than plain sampling and is likelier: what joint decoding must be held against. */
const BASELINES: readonly Entry[] = [
  { role: 'baseline', strategy: PLAIN.name as StrategyName, settings: { temperature: 0 } },
  { role: 'baseline', strategy: PLAIN.name as StrategyName, settings: { temperature: 0.7 } },
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

/** Settings that move another one, which a strategy must heed to have them. */
const MOVED: ReadonlyMap<ComparedSetting, StrategySetting> = new Map([
  ['quality', 'threshold'],
  ['repetition', 'beamWidth'],
]);

/**
 * Every strategy with every combination of the settings that it has, and the baselines where they are asked for.
 * @throws UsageError where settings contradict each other
 */
export function expand(field: Field): Entry[] {
  const { strategies, baselines } = field;
  const entries = [...new Set(strategies)].flatMap((strategy) => expandStrategy(strategy, field));
  if (!baselines) return entries;
  const firstOfEach = COMPARED_SETTINGS.map((name) => [name, field[name]?.slice(0, 1)]);
  const first: Field = { ...field, ...Object.fromEntries(firstOfEach) };
  const others = STRATEGY_NAMES.filter(
    (name) => definitionOf(name).benchmark === 'baseline' && !strategies.includes(name),
  ).flatMap((name) => expandStrategy(name, first));
  return [...entries, ...BASELINES, ...others.map((entry) => ({ ...entry, role: 'baseline' as const }))];
}

function expandStrategy(strategy: StrategyChoice, field: Field): Entry[] {
  return sourcesOf(strategy, field).flatMap((draft) => expandSource(strategy, draft, field));
}

/** The sources that a strategy is to draft from: one that cannot use all of them has those that it can. */
function sourcesOf(strategy: StrategyChoice, { drafts: all = [] }: Field): DraftChain[] {
  if (all.length === 0) return [{ draftFrom: 'auto', draftTail: 'none' }];
  const usable = all.filter((draft) => refusalOf(strategy, draft) === undefined);
  if (usable.length === 0) return [...all]; // to be refused
  return choosesSource(strategy) ? usable : usable.slice(0, 1);
}

function expandSource(strategy: StrategyChoice, draft: DraftChain, field: Field): Entry[] {
  const { heeds } = definitionOf(strategy);
  const lists = COMPARED_SETTINGS.filter((name) =>
    (heeds as readonly string[]).includes(MOVED.get(name) ?? name),
  ).map((name) => [name, valuesOf(name, strategy, field)] as const);
  const combinations = lists.reduce<ContenderSettings[]>(
    (all, [name, values]) =>
      all.flatMap((settings) => values.map((value) => withSetting(settings, name, value))),
    [{}],
  );
  const entries = combinations.map((settings): Entry => {
    parseSettings({ strategy, ...settings, ...draft });
    return drafting({ role: 'strategy', strategy, settings }, draft);
  });
  return once(entries);
}

/** The same entry with its drafts from there, where that makes a difference. A lookup has no beams. */
export function drafting(entry: Entry, { draftFirst = 'none', draftFrom, draftTail }: DraftChain): Entry {
  const hasFirst = draftFirst !== 'none' && heedsSetting(entry.strategy, 'draftFirst');
  const hasTail = draftTail !== 'none' && heedsSetting(entry.strategy, 'draftTail');
  if (!(isSaid(draftFrom) || hasFirst || hasTail) || !choosesSource(entry.strategy)) return entry;
  const { beamWidth: _width, repetition: _share, ...chain } = entry.settings;
  const {
    draftFirst: _first,
    draftTail: _tail,
    ...settings
  } = draftFrom === 'lookup' ? chain : entry.settings;
  const sources = { ...(hasFirst && { draftFirst }), draftFrom, ...(hasTail && { draftTail }) };
  return { ...entry, settings: { ...settings, ...sources } };
}

/** Every strategy with a draft model can have the target's head in its place; some can look up. */
function choosesSource(strategy: StrategyChoice): boolean {
  return heedsSetting(strategy, 'draftFrom') || usesDraftModel({ ...DEFAULTS, strategy, draftFrom: 'model' });
}

/** The draft model of the pair is what everybody expects. */
function isSaid(draftFrom: Settings['draftFrom'] | undefined): boolean {
  return draftFrom !== undefined && draftFrom !== 'auto' && draftFrom !== 'model';
}

/** Every entry of a name, once. */
export function once(entries: readonly Entry[]): Entry[] {
  return [...new Map(entries.map((entry) => [nameOf(entry), entry])).values()];
}

/** What is off, or does not count beside the others, is not said. */
function withSetting(settings: ContenderSettings, name: ComparedSetting, value: unknown): ContenderSettings {
  const isIdle =
    value === false || value === undefined || (name === 'quality' && settings.threshold !== 'auto');
  return isIdle ? settings : { ...settings, [name]: value };
}

/** A strategy whose draft length adapts to nothing has a number in place of auto. */
function valuesOf(name: ComparedSetting, strategy: StrategyChoice, field: Field): readonly unknown[] {
  const values: readonly unknown[] = field[name] ?? [DEFAULTS[name]];
  if (name !== 'draftLength') return values;
  return values.map((draftLength) =>
    draftLength === 'auto' ? lengthOf(parseSettings({ strategy, draftLength })) : draftLength,
  );
}

function lengthOf(settings: Settings): Settings['draftLength'] {
  return isAdaptive(settings) ? 'auto' : strategyOptions(settings).draftLength;
}
