import type { Generation } from '../../src/benchmark/report.js';
import { type Course, type CourseEvent, runCourse } from '../../src/benchmark/run.js';
import type { Task, Writer, Written } from '../../src/benchmark/writer.js';
import { contenderOf, fakeGeneration } from './fake-generation.js';

/** What a writer was asked to write, by its name. */
export type Call = Task & { readonly writer: string };

/** Writers that note what they are asked. `write`: what else they do and say. */
export function fakeWriters(
  names: readonly string[],
  write: (call: Call, index: number) => Partial<Written> | Promise<Partial<Written>> = () => ({}),
): { writers: Writer[]; calls: Call[] } {
  const calls: Call[] = [];
  const writers = names.map((name): Writer => {
    const [contender, engine = 'direct'] = name.split('@') as [string, string?];
    return {
      contender: contenderOf(contender, { engine }),
      async write(task) {
        const call = { ...task, writer: name };
        calls.push(call);
        const { tokens, finishReason, ms, passes, speculation, joules } = fakeGeneration();
        const usual = { tokens, finishReason, ms, passes, speculation, joules };
        return { ...usual, ...(await write(call, calls.length - 1)) };
      },
    };
  });
  return { writers, calls };
}

/** Everything that a run needs: `prompts` of three tokens each. */
export function fakeCourse(writers: readonly Writer[], prompts: number, rest: Partial<Course> = {}): Course {
  return {
    writers,
    prompts: Array.from({ length: prompts }, (_, i) => ({
      id: `p${i}`,
      text: `Prompt ${i}`,
      request: `${i}`,
      tokens: [0, i % 5, 1],
    })),
    contextSize: 64,
    maxTokens: 12,
    onGpu: false,
    repetitions: 1,
    seed: 1,
    score: null,
    textOf: (_, emitted) => emitted.join(' '),
    costs: [],
    signal: new AbortController().signal,
    ...rest,
  };
}

/** Runs to the end, or to the failure. */
export async function runToEnd(
  course: Course,
  watch: (event: CourseEvent) => void = () => undefined,
): Promise<{ events: CourseEvent[]; generations: Generation[]; failure: unknown }> {
  const events: CourseEvent[] = [];
  let failure: unknown;
  try {
    for await (const event of runCourse(course)) {
      events.push(event);
      watch(event);
    }
  } catch (error) {
    failure = error;
  }
  const generations = events.flatMap((event) => (event.type === 'generation' ? [event.generation] : []));
  return { events, generations, failure };
}
