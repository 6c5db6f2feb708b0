import type { BenchmarkOptions } from '../../benchmark/options.js';
import type { ComparedSetting, SharedSetting } from '../../generation/setting-names.js';
import type { Settings } from '../../generation/settings.js';
import type { StrategyName } from '../../strategies/index.js';
import type { ColorChoice } from '../render/colors.js';
import type { RuntimeFlags } from '../runtime-options.js';
import type { TemplateFlags } from '../template-options.js';

/** Prompts of the built-in set that are used without --limit. A model of a few billion parameters takes some minutes. */
export const BUILT_IN_LIMIT = 10;

/** Draft lengths of a benchmark that names none: the one that adapts to the machine, and the paper's. */
export const USUAL_LENGTHS = ['auto', 4] as const;

/** A list of values; of a switch, whether it is tried too. */
type ComparedFlags = {
  [Name in ComparedSetting]?: Settings[Name] extends boolean ? boolean : readonly Settings[Name][];
};

/** What Commander makes of the options. Undefined = not given. */
export interface BenchmarkFlags
  extends RuntimeFlags,
    TemplateFlags,
    ComparedFlags,
    Pick<Settings, SharedSetting> {
  strategies: readonly StrategyName[];
  baselines?: boolean;
  peers?: boolean;
  engine: BenchmarkOptions['engines'];
  prompts?: string;
  raw?: boolean;
  limit?: number;
  repetitions: number;
  /** Undefined = random. */
  seed?: number;
  format: 'table' | 'md' | 'csv' | 'json' | 'jsonl';
  /** Files, whose endings name the formats. */
  output: readonly string[];
  report?: string;
  compare?: string;
  failBelow?: number;
  perplexity: boolean;
  replay?: string;
  color: ColorChoice;
  quiet?: boolean;
}
