import type { Step } from '../decoding/loop.js';
import { UsageError } from '../errors.js';
import type { Series } from '../generation/generate.js';
import type { SettingsInput } from '../generation/settings.js';
import type { Pair } from '../models/pair.js';
import { PLAIN, type StrategyName } from '../strategies/index.js';
import { type Signs, signsOf } from '../tuning/drift-signs.js';
import type { Placement, Profile } from '../tuning/profile.js';
import { adviceOf, type Tried } from './advice.js';
import { ofModel, type Runnable, settingsOf, TRIALS, type Trial, withSources } from './candidate.js';
import { Desk, type Task, type TuneOptions } from './desk.js';
import { measured } from './figures.js';
import { bestPlaces, type Placed, placementsOf, quicker } from './placement.js';
import { profileOf } from './profile-of.js';
import type { Recorded } from './recording.js';
import { reportOf, type TuneReport } from './report.js';
import { type Costs, finalists, foretold, type Recording, search, type Weighed } from './search.js';

/** The events of a search: one after each text, and the results at the end. */
export type TuneEvent =
  | { readonly type: 'text'; readonly done: number; readonly total: number }
  | { readonly type: 'end'; readonly report: TuneReport; readonly profile: Profile };

/** The most candidates that are run in the end. */
const FINALISTS = 2;

/** The most tokens of the text for which costs are measured. */
const MEASURING = 32;

/** Times that each placement is measured. In the first, mtad's own code is slow until it is compiled. */
const ROUNDS = 2;

/** The trial that tells most of what passes cost: with several beams. */
const MEASURED = TRIALS.at(-1)!;

const PLAINLY = { strategy: PLAIN.name as StrategyName };

/** A finalist as it is run. */
interface Finalist {
  readonly candidate: Runnable;
  readonly weighed: Weighed;
}

/** The same, and the signs of its steps, text by text. */
interface Trying extends Tried, Finalist {
  readonly signs: readonly (readonly Signs[])[];
}

/** A text is written. */
type Done = undefined;

/**
 * Finds the best settings for a pair. It records some runs, estimates candidates from them by the costs of passes, and runs
 * the best of two kinds beside plain decoding.
 * @throws what `generate` throws; UsageError where there is no draft model, or no prompt fits into the context; the signal's
 *   reason
 */
export async function* tune(pair: Pair, options: TuneOptions): AsyncGenerator<TuneEvent, void> {
  if (!pair.draft)
    throw new UsageError('There is no draft model, so there is nothing to tune: add one with `draft`');
  const desk = await Desk.open(pair, options);
  try {
    const placements = placementsOf(pair, options.run, options.isDraftPlaced);
    const runs = FINALISTS * (options.chain ? 2 : 1);
    const total = ROUNDS * placements.length + desk.tasks.length * (1 + TRIALS.length + 1 + runs);
    const found = findings(pair, desk, placements, options);
    let done = 0;
    let turn = await found.next();
    for (; !turn.done; turn = await found.next()) yield { type: 'text', done: ++done, total };
    yield { type: 'end', ...turn.value };
  } finally {
    await desk.dispose();
  }
}

async function* findings(
  pair: Pair,
  desk: Desk,
  placements: readonly Placement[],
  { quality, settings, seed, run, chain }: TuneOptions,
): AsyncGenerator<Done, Pick<Extract<TuneEvent, { type: 'end' }>, 'report' | 'profile'>> {
  const { temperature, topK, topP } = settings;
  const measuring = Math.min(MEASURING, settings.maxTokens);
  const placed: Placed[] = [];
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, placement] of placements.entries()) {
      const { curves } = await measuredCosts(desk, MEASURED, placement, measuring);
      placed[i] = quicker({ placement, curves }, placed[i]);
      yield;
    }
  const places = bestPlaces(placed, run.draftThreads !== undefined);
  const first = await desk.series(places.plain);
  const plain: Recorded[] = [];
  for (const task of desk.tasks) {
    plain.push(await desk.write(first, PLAINLY, task));
    yield;
  }
  await desk.close(first); // the recordings need its memory
  const recordings: Recording[] = [];
  for (const trial of TRIALS) recordings.push(yield* recorded(desk, trial, places.drafting, measuring));
  const weighed = search(recordings, plain, { quality, temperature });
  const finding = (one: Finalist | undefined, signs: Trying['signs'] = []) =>
    profileOf(pair, {
      costs: (one?.weighed ?? weighed[0]!).costs,
      settings: { ...(one ? ofModel(one.candidate) : PLAINLY) },
      placement: one ? places.drafting : places.plain,
      sampling: { temperature, topK, topP },
      draft: one && { learned: one.weighed.learned, signs },
    });
  const runs = [];
  for (const one of finalists(weighed).slice(0, FINALISTS)) {
    const alone = one.candidate;
    for (const candidate of chain ? [alone, withSources(alone, chain)] : [alone]) {
      const finalist = { candidate, weighed: one };
      runs.push({ ...finalist, series: await desk.series(places.drafting, await finding(finalist)) });
    }
  }
  const { tried, beside } = yield* triedBeside(desk, places.plain, runs, temperature);
  const worth = measured(beside, beside);
  const advice = adviceOf(tried, worth, quality);
  const { length: prompts } = desk.tasks;
  const conditions = { ...settings, prompts, skipped: desk.skipped, quality, seed };
  const report = reportOf(conditions, placed, places, worth, weighed, tried, advice);
  const { best } = advice;
  const alone = tried.find(({ weighed }) => weighed === best?.weighed); // in which no source takes the easy places
  return { report, profile: await finding(best, alone?.signs) };
}

/**
 * Measures the costs of passes while a text is written.
 * @param measuring the most tokens of the text
 */
async function measuredCosts(
  desk: Desk,
  trial: Trial,
  placement: Placement,
  measuring: number,
): Promise<Costs> {
  const series = await desk.series(placement);
  const adaptive: SettingsInput = { ...settingsOf(trial), draftLength: 'auto', maxTokens: measuring };
  const { costs: curves } = await desk.write(series, adaptive, desk.tasks[0]!);
  await desk.close(series);
  const key = desk.costs.asked;
  if (!key || !curves)
    throw new UsageError('What passes cost cannot be measured behind the first prompt: give another one');
  return { key, curves };
}

/** Measures what passes cost, then writes a text from each prompt. */
async function* recorded(
  desk: Desk,
  trial: Trial,
  placement: Placement,
  measuring: number,
): AsyncGenerator<Done, Recording> {
  const costs = await measuredCosts(desk, trial, placement, measuring);
  const series = await desk.series(placement);
  const texts: Recorded[] = [];
  for (const task of desk.tasks) {
    texts.push(await desk.write(series, settingsOf(trial), task));
    yield;
  }
  await desk.close(series);
  return { trial, texts, costs };
}

/** Writes a text of each setting from each prompt. The settings change their order, so that slow moments hit all alike. */
async function* triedBeside(
  desk: Desk,
  plainly: Placement,
  runs: readonly (Finalist & { readonly series: Series })[],
  temperature: number,
): AsyncGenerator<Done, { tried: Trying[]; beside: Recorded[] }> {
  const series = await desk.series(plainly);
  const beside: Recorded[] = [];
  const written = runs.map((run) => ({ ...run, texts: [] as Recorded[], signs: [] as Signs[][] }));
  const turns: ((task: Task) => Promise<unknown>)[] = [
    async (task) => beside.push(await desk.write(series, PLAINLY, task)),
    ...written.map(({ candidate, series, texts, signs }) => async (task: Task) => {
      const ofText: Signs[] = [];
      const watch = (step: Step) => {
        const signs = signsOf(step, temperature);
        if (signs) ofText.push(signs);
      };
      texts.push(await desk.write(series, candidate, task, watch));
      signs.push(ofText);
    }),
  ];
  for (const task of desk.tasks) {
    for (const turn of turns) {
      await turn(task);
      yield;
    }
    turns.push(turns.shift()!);
  }
  const tried = written.map(({ candidate, weighed, texts, signs }) => ({
    candidate,
    foretold: candidate === weighed.candidate ? foretold(weighed) : null,
    measured: measured(texts, beside),
    weighed,
    signs,
  }));
  return { tried, beside };
}
