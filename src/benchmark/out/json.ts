import camelcaseKeys from 'camelcase-keys';
import snakecaseKeys from 'snakecase-keys';
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import type { BenchmarkReport } from '../report.js';

/** The whole report, keys in snake_case. */
export function json(report: BenchmarkReport): string {
  return `${JSON.stringify(snake(report), null, 2)}\n`;
}

/** Keys in snake_case. */
export function snake(value: object): object {
  return snakecaseKeys(value as Record<string, unknown>, { deep: true });
}

const estimate = z.object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });

/** As much of a report as a comparison needs. */
const earlier = z.object({
  schema: z.union([z.literal(1), z.literal(2)]), // 1: tokens_per_second was a mean of rates, which is not compared
  complete: z.boolean(),
  started: z.string(),
  machine: z.object({
    cpu: z.string(),
    backend: z.string(),
    gpus: z.array(z.string()).readonly().optional(), // optional: what earlier releases did not write
  }),
  versions: z.object({ mtad: z.string(), llamaCpp: z.string() }),
  models: z.object({
    target: z.object({ file: z.string() }),
    draft: z.object({ file: z.string() }).nullable(),
  }),
  conditions: z.object({
    prompts: z.string(),
    used: z.number(),
    maxTokens: z.number(),
    ignoreEos: z.boolean(),
    special: z.boolean().default(false),
    temperature: z.number(),
    topK: z.number(),
    topP: z.number(),
    seed: z.number(),
    threads: z.number().nullable(),
    draftThreads: z.number().nullable().optional(),
    contextSize: z.number().nullable().optional(),
    cacheType: z.string().nullable().optional(),
    flashAttention: z.boolean().nullable().optional(),
    gpuLayers: z.number().nullable().optional(),
    draftGpuLayers: z.number().nullable().optional(),
    chatTemplate: z.string().nullable().default(null),
  }),
  contenders: z
    .array(
      z.object({
        name: z.string(),
        engine: z.string(),
        generations: z.number(),
        tokensPerSecond: z.union([estimate, z.object({ mean: z.number() }).transform(() => null)]).nullable(),
        speedUp: z.object({ autoregressive: estimate.nullable() }),
        perplexity: estimate.nullable(),
      }),
    )
    .readonly(),
  generations: z
    .array(
      z.object({
        contender: z.string(),
        engine: z.string(),
        prompt: z.string(),
        repetition: z.number(),
        promptTokens: z.number(),
        tokens: z.array(z.number()).readonly(),
        ms: z.object({ decode: z.number() }),
      }),
    )
    .readonly()
    .default([]), // where only the figures were kept
});

export type EarlierReport = z.output<typeof earlier>;

/** @throws UsageError where the text is no report of a benchmark */
export function parseReport(text: string, path: string): EarlierReport {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${path} is not JSON; it should be an earlier report of mtad benchmark, in JSON`, {
      cause,
    });
  }
  const isObject = typeof value === 'object' && value !== null;
  const parsed = earlier.safeParse(isObject ? camelcaseKeys(value as object, { deep: true }) : value);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path
    .join('.')
    .replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  throw new UsageError(
    `${path} is no report of mtad benchmark --format json${where ? `: ${where} is missing or wrong` : ''}`,
  );
}
