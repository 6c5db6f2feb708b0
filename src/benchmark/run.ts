import type { Prompt } from '../generation/generate.js';
import type { LogProb, TokenId } from '../types.js';
import type { PassCosts } from './costs.js';
import type { BenchmarkPrompt } from './prompts.js';
import type { Generation, PassCost } from './report.js';
import type { Writer } from './writer.js';

/** A prompt that fits into the context, in the target's tokens. */
export interface TokenizedPrompt extends BenchmarkPrompt {
  readonly request: Prompt;
  readonly tokens: readonly TokenId[];
}

/** The parts of a run, opened and checked. */
export interface Course {
  readonly writers: readonly Writer[];
  readonly prompts: readonly TokenizedPrompt[];
  /** The most tokens of prompt and text together. */
  readonly contextSize: number;
  readonly maxTokens: number;
  readonly repetitions: number;
  readonly onGpu: boolean;
  /** The seed of the first round. Each round adds 1. */
  readonly seed: number;
  /** Measures the quality of texts; null: not wanted. */
  readonly score: ((prompt: readonly TokenId[], emitted: readonly TokenId[]) => Promise<LogProb>) | null;
  /** Returns the text of tokens behind those of a prompt. */
  readonly textOf: (prompt: readonly TokenId[], emitted: readonly TokenId[]) => string;
  readonly costs: readonly EngineCosts[];
  readonly signal: AbortSignal;
}

/** Measures T(k) of the models of one engine. */
export interface EngineCosts {
  readonly engine: string;
  readonly target: PassCosts;
  readonly draft: PassCosts | undefined;
}

/** The event that a generation is done. Warm-up generations do not count. */
export type CourseEvent =
  | { readonly type: 'warm-up'; readonly contender: string }
  | { readonly type: 'generation'; readonly generation: Generation };

/**
 * Number of tokens of a warm-up, which compiles code and loads weights into memory. On a GPU there are more, since they are
 * cheap and the driver compiles code for every new size of a batch.
 */
const WARM_UP_TOKENS = { cpu: 8, gpu: 64 };

/**
 * Runs every writer on every prompt, `repetitions` times. All writers continue a prompt before the next prompt comes. Their
 * order moves on by one each time, so that slow moments of the machine and the first place hit all writers alike. An abort of
 * the signal ends the run, and unfinished generations are left out.
 */
export async function* runCourse(course: Course): AsyncGenerator<CourseEvent, void> {
  const { writers, prompts, contextSize, maxTokens, repetitions, score, textOf, costs, signal } = course;
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
        text: textOf(prompt.tokens, text.tokens),
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

/** @returns T(k) of both models on each engine, as far as measured */
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
