import type { BenchmarkOptions } from '../../benchmark/options.js';
import type { ComparedSetting, Settings, SharedSetting } from '../../generation/settings.js';
import type { StrategyName } from '../../strategies/index.js';
import type { ColorChoice } from '../render/colors.js';
import type { RuntimeFlags } from '../runtime-options.js';
import type { TemplateFlags } from '../template-options.js';

/** Texts of the built-in set unless --limit says otherwise: some minutes with a model of a few billion parameters. */
export const BUILT_IN_LIMIT = 10;

/** Draft lengths of a benchmark that names none: what follows the machine, and the paper's own. */
export const USUAL_LENGTHS = ['auto', 4] as const;

/** A list of values, or whether a switch is tried too. */
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
  /** Undefined = another one each time. */
  seed?: number;
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
