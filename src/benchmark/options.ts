import type { EngineName } from '../engine/port.js';
import type { RunOptions } from '../generation/run-options.js';
import type { SharedSetting } from '../generation/setting-names.js';
import type { Settings } from '../generation/settings.js';
import type { PairOptions } from '../models/pair.js';
import type { TemplateChoice } from '../templates/open-template.js';
import type { Entry } from './contenders.js';
import type { BenchmarkPrompt } from './prompts.js';

/** The options of a benchmark. */
export interface BenchmarkOptions {
  /** One or more. */
  readonly entries: readonly Entry[];
  readonly peers: boolean;
  readonly engines: readonly (EngineName | 'auto')[];
  /** The source of the prompts, for the report. */
  readonly promptSource: string;
  readonly prompts: readonly BenchmarkPrompt[];
  /** Whether prompts are continued as they are, also by a model with a chat template. */
  readonly raw: boolean;
  /** The system text, for a model with a chat template, unless `raw`. */
  readonly template: TemplateChoice;
  readonly pair: Omit<PairOptions, 'engine' | 'needsDraft' | 'signal'>;
  readonly run: Omit<RunOptions, 'signal'>;
  readonly settings: Pick<Settings, SharedSetting>;
  readonly repetitions: number;
  readonly seed: number;
  readonly perplexity: boolean;
  readonly signal: AbortSignal;
}
