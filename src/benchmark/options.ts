import type { EngineName } from '../engine/port.js';
import type { RunOptions } from '../generation/run-options.js';
import type { Settings } from '../generation/settings.js';
import type { PairOptions } from '../models/pair.js';
import type { TemplateChoice } from '../templates/open-template.js';
import type { Entry } from './contenders.js';
import type { BenchmarkPrompt } from './prompts.js';

/** A benchmark to run. */
export interface BenchmarkOptions {
  readonly entries: readonly Entry[]; // at least one
  readonly peers: boolean;
  readonly engines: readonly (EngineName | 'auto')[];
  readonly promptSource: string; // where the prompts are from, for the report
  readonly prompts: readonly BenchmarkPrompt[];
  readonly raw: boolean; // as they are, also for a model with a chat template
  readonly template: TemplateChoice; // else
  readonly pair: Omit<PairOptions, 'engine' | 'needsDraft' | 'signal'>;
  readonly run: Omit<RunOptions, 'signal'>;
  readonly settings: Pick<Settings, 'temperature' | 'topK' | 'topP' | 'ignoreEos' | 'special' | 'maxTokens'>;
  readonly repetitions: number;
  readonly seed: number;
  readonly perplexity: boolean;
  readonly signal: AbortSignal;
}
