import type { BenchmarkOptions } from '../../benchmark/options.js';
import type { StrategyName } from '../../strategies/index.js';
import type { RuntimeFlags } from '../options.js';
import type { ColorChoice } from '../render/colors.js';
import type { TemplateFlags } from '../template-options.js';

/** Texts of the built-in set unless --limit says otherwise: some minutes with a model of a few billion parameters. */
export const BUILT_IN_LIMIT = 10;

/** What Commander makes of the options. Undefined = not given. */
export interface BenchmarkFlags extends RuntimeFlags, TemplateFlags {
  strategies: readonly StrategyName[];
  draftLength?: number[];
  beamWidth?: number[];
  threshold?: number[];
  clip?: boolean;
  baselines?: boolean;
  peers?: boolean;
  engine: BenchmarkOptions['engines'];
  prompts?: string;
  raw?: boolean;
  limit?: number;
  repetitions: number;
  maxTokens: number;
  ignoreEos?: boolean;
  special?: boolean;
  /** Undefined = another one each time. */
  seed?: number;
  temperature: number;
  topK: number;
  topP: number;
  format: 'table' | 'md' | 'csv' | 'json' | 'jsonl';
  /** In the formats that their endings name. */
  output: readonly string[];
  report?: string;
  compare?: string;
  failBelow?: number;
  perplexity: boolean;
  replay?: string;
  color: ColorChoice;
  quiet?: boolean;
}
