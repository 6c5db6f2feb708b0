import type { Prompt } from '../generation/generate.js';
import type { LogProb, TokenId } from '../types.js';
import type { PassCosts } from './costs.js';
import type { BenchmarkPrompt } from './prompts.js';
import type { Generation, PassCost } from './report.js';
import type { Writer } from './writer.js';

/** A prompt that fits into the context, as the target gets it. */
export interface TokenizedPrompt extends Pick<BenchmarkPrompt, 'id'> {
  readonly request: Prompt;
  readonly tokens: readonly TokenId[];
}

/** Everything that a run needs, opened and checked. */
export interface Course {
  readonly writers: readonly Writer[];
  readonly prompts: readonly TokenizedPrompt[];
  /** Tokens of prompt and text together. */
  readonly contextSize: number;
  readonly maxTokens: number;
  readonly repetitions: number;
  readonly onGpu: boolean;
  /** Of the first round; each round has the next one. */
  readonly seed: number;
  /** The quality of a text; null: not asked for. */
  readonly score: ((prompt: readonly TokenId[], emitted: readonly TokenId[]) => Promise<LogProb>) | null;
  readonly costs: readonly EngineCosts[];
  readonly signal: AbortSignal;
}

/** T(k) of the models of one engine. */
export interface EngineCosts {
  readonly engine: string;
  readonly target: PassCosts;
  readonly draft: PassCosts | undefined;
}

/** One generation is done; those of the warm-up do not count. */
export type CourseEvent =
  | { readonly type: 'warm-up'; readonly contender: string }
  | { readonly type: 'generation'; readonly generation: Generation };

/**
 * Tokens with which each writer warms up: code is compiled, weights are in memory. On a GPU tokens are cheap, and its driver
 * compiles what is new for every size of a batch.
 */
const WARM_UP_TOKENS = { cpu: 8, gpu: 64 };

/**
 * Every writer on every prompt, again and again: all writers take turns on a prompt before the next one comes, in an
 * order that moves on by one each time, so that a slow moment of the machine, and coming first, hits all alike.
 * Ends early when the signal aborts; what was not finished then is left out.
 */
export async function* runCourse(course: Course): AsyncGenerator<CourseEvent, void> {
  const { writers, prompts, contextSize, maxTokens, repetitions, score, costs, signal } = course;
  for (const writer of writers) {
    yield { type: 'warm-up', contender: writer.contender.name };
    const tokens = WARM_UP_TOKENS[course.onGpu ? 'gpu' : 'cpu'];
    await writer.write({
      prompt: prompts[0]!,
      maxTokens: Math.min(tokens, maxTokens),
      contextSize,
      seed: course.seed,
    });
    if (signal.aborted) return;
  }

  for (let round = 0; round < repetitions * prompts.length; round++) {
    const prompt = prompts[round % prompts.length]!;
    const repetition = Math.floor(round / prompts.length);
    const seed = (course.seed + round) % 2 ** 32;
    const written: Generation[] = [];
    for (const writer of rotated(writers, round)) {
      const text = await writer.write({ prompt, maxTokens, contextSize, seed });
      if (text.finishReason === 'interrupted' || signal.aborted) return;
      const generation: Generation = {
        contender: writer.contender.name,
        engine: writer.contender.engine,
        prompt: prompt.id,
        repetition,
        seed,
        promptTokens: prompt.tokens.length,
        ...text,
        logProbSum: score && (await score(prompt.tokens, text.tokens)),
      };
      written.push(generation);
      yield { type: 'generation', generation };
    }
    for (const { engine, target, draft } of costs) {
      if (signal.aborted) return;
      const text = [...prompt.tokens, ...written[0]!.tokens];
      await target.measure(text, sizesSeen(written, engine, 'target').add(1), signal);
      await draft?.measure(text, sizesSeen(written, engine, 'draft'), signal);
    }
  }
}

/** @returns T(k) of both models on every engine, as far as measured */
export function passCosts(costs: readonly EngineCosts[]): PassCost[] {
  return costs.flatMap(({ engine, ...models }) =>
    (['target', 'draft'] as const).flatMap(
      (model) => models[model]?.costs().map((cost) => ({ engine, model, ...cost })) ?? [],
    ),
  );
}

function sizesSeen(written: readonly Generation[], engine: string, model: 'target' | 'draft'): Set<number> {
  const passes = written.filter((one) => one.engine === engine).flatMap((one) => one.passes?.[model] ?? []);
  return new Set(passes.map(([size]) => size));
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
