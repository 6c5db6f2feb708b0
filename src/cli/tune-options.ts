import { randomInt } from 'node:crypto';
import { readPrompts } from '../benchmark/prompts.js';
import { SHARED_SETTINGS, type SharedSetting } from '../generation/setting-names.js';
import type { Settings } from '../generation/settings.js';
import type { PairOptions } from '../models/pair.js';
import type { TuneOptions } from '../tune/desk.js';
import { BUILT_IN_LIMIT } from './benchmark/flags.js';
import type { Io } from './io.js';
import { draftChains } from './model-options.js';
import type { ColorChoice } from './render/colors.js';
import { type RuntimeFlags, runOptionsOf } from './runtime-options.js';
import { type TemplateFlags, templateChoiceOf } from './template-options.js';

/** What Commander makes of the options. Undefined = not given. */
export interface TuneFlags extends RuntimeFlags, TemplateFlags, Pick<Settings, SharedSetting> {
  quality?: number;
  prompts?: string;
  raw?: boolean;
  limit?: number;
  /** Undefined = another one each time. */
  seed?: number;
  engine: NonNullable<PairOptions['engine']>;
  json?: boolean;
  /** A file, or true: the place where other commands look for it. */
  save?: string | true;
  color: ColorChoice;
  quiet?: boolean;
}

/**
 * What the command line means, the prompts read.
 * @throws UsageError for prompts that cannot be read
 */
export async function tuneOptionsOf(io: Io, flags: TuneFlags): Promise<Omit<TuneOptions, 'signal'>> {
  const { prompts, quality = 1, raw = false, seed = randomInt(2 ** 32) } = flags;
  const limit = flags.limit ?? (prompts === undefined ? BUILT_IN_LIMIT : Number.POSITIVE_INFINITY);
  const shared = SHARED_SETTINGS.map((name) => [name, flags[name] ?? false]); // a switch that is not given is off
  return {
    prompts: await readPrompts(prompts, limit, io),
    raw,
    template: templateChoiceOf(flags, io),
    run: runOptionsOf(flags, io),
    settings: Object.fromEntries(shared),
    quality,
    chain: draftChains(flags).find(
      ({ draftFirst = 'none', draftTail }) => draftFirst !== 'none' || draftTail !== 'none',
    ),
    isDraftPlaced: flags.draftGpuLayers !== undefined,
    seed,
  };
}
