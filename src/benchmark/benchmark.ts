import { performance } from 'node:perf_hooks';
import { openCourse } from './course.js';
import type { BenchmarkOptions } from './options.js';
import { recommend } from './recommend.js';
import type { BenchmarkReport, Conditions, Generation } from './report.js';
import { type CourseEvent, passCosts, runCourse } from './run.js';
import { summarise } from './summary.js';

/** What `benchmark` tells as it goes along; the report comes last. */
export type BenchmarkEvent =
  | {
      readonly type: 'start';
      /** Generations to come. */
      readonly total: number;
      readonly conditions: Conditions;
      /** A sentence on each strategy that has nothing to draft with. */
      readonly leftOut: readonly string[];
    }
  | CourseEvent
  | { readonly type: 'end'; readonly report: BenchmarkReport };

/**
 * Runs strategies, their settings, engines and peers side by side on the same prompts: 'start', then 'warm-up' and
 * 'generation' as they come, 'end'. The report is given also where a run is interrupted or fails: what was finished is
 * in it, and it says that it is not complete. A failure is thrown after that.
 * @throws what `loadPair` and `generate` throw; UsageError where no prompt fits into the context
 */
export async function* benchmark(options: BenchmarkOptions): AsyncGenerator<BenchmarkEvent, void> {
  const { course, facts, conditions, energy, leftOut, close } = await openCourse(options);
  try {
    const { writers, prompts, repetitions } = course;
    const total = writers.length * prompts.length * repetitions;
    yield { type: 'start', total, conditions, leftOut };
    const started = new Date();
    const begun = performance.now();
    const generations: Generation[] = [];
    let failure: unknown;
    try {
      for await (const event of runCourse(course)) {
        if (event.type === 'generation') generations.push(event.generation);
        yield event;
      }
    } catch (error) {
      failure = error;
    }
    const passes = passCosts(course.costs);
    const contenders = writers.map(({ contender }) => contender);
    const summaries = summarise(contenders, generations, passes, energy.idleWatts);
    const advice = recommend(summaries, passes);
    const complete = generations.length === total;
    const report: BenchmarkReport = {
      schema: 2,
      complete,
      started: started.toISOString(),
      seconds: (performance.now() - begun) / 1000,
      ...facts,
      conditions,
      energy,
      passes,
      contenders: summaries,
      recommendation: `${complete ? '' : 'As far as an incomplete run can tell: '}${advice.text}`,
      recommended: advice.contender && { name: advice.contender.name, engine: advice.contender.engine },
      prompts: prompts.map(({ id, text }) => ({ id, text })),
      generations,
    };
    yield { type: 'end', report };
    if (failure) throw failure;
  } finally {
    await close();
  }
}
