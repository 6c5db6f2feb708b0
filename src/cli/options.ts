import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CACHE_TYPES } from '../engine/engine.js';
import type { RunOptions } from '../generation/run-options.js';
import { type Settings, settingsSchema } from '../generation/settings.js';
import { modelsFolder } from '../models/models-folder.js';
import type { PairOptions } from '../models/pair.js';
import { printNow } from './render/sink.js';

/** Defaults of the library, which are the command line's. */
export const DEFAULTS = settingsSchema.parse({});

/** Which models, and how to run them: what every command that loads a pair is asked. Undefined = not given. */
export interface RuntimeFlags {
  model?: string;
  draft?: string;
  modelsDir?: string;
  offline?: boolean;
  ctxSize?: number;
  threads?: number;
  draftThreads?: number;
  cacheType?: RunOptions['cacheType'];
  flashAttn: 'auto' | 'on' | 'off';
  gpu: NonNullable<PairOptions['gpu']>;
  gpuLayers?: number;
  draftGpuLayers?: number;
  verbose?: boolean;
}

/** How every command speaks of wrong arguments. */
export function answerErrors(program: Command, hint: string): Command {
  return program
    .showHelpAfterError(hint)
    .exitOverride()
    .configureOutput({
      writeOut: printNow,
      outputError: (text, write) => write(text.replace(/^error: /, 'mtad: ')),
    });
}

export function addModelOptions(program: Command): void {
  program.optionsGroup('Models:');
  program
    .option('-m, --model <model>', 'target model: GGUF file, name in the models folder, or address')
    .option('-d, --draft <model>', 'draft model, likewise; or lookup: guess from the text so far, no model')
    .option('--pair <name>', 'both models by a name that stands for them, with what suits them (mtad pairs)')
    .addOption(modelsDirOption())
    .option('--offline', 'never use the network');
}

export function modelsDirOption(): Option {
  return new Option(
    '--models-dir <folder>',
    'models folder: where downloads go and names are looked up',
  ).default(modelsFolder(), "in the user's cache");
}

/** @param context what --ctx-size is by default, in words */
export function addRuntimeOptions(program: Command, context = 'what the target was trained on'): void {
  program
    .addOption(
      whole('-c, --ctx-size <n>', `tokens of prompt and text together at most (default: ${context})`, 2),
    )
    // More threads than processors wait for each other: a pass then takes seconds instead of milliseconds.
    .addOption(
      whole(
        '-t, --threads <n>',
        'processor threads (default: by model and device)',
        1,
        availableParallelism(),
      ),
    )
    .addOption(
      whole(
        '--draft-threads <n>',
        'the same for the draft model (default: as --threads)',
        1,
        availableParallelism(),
      ),
    )
    .addOption(cacheTypeOption())
    .addOption(
      new Option('--flash-attn <when>', 'flash attention').choices(['auto', 'on', 'off']).default('auto'),
    )
    .addOption(gpuOption())
    .addOption(whole('--gpu-layers <n>', 'layers of the target on the GPU (default: as many as fit)', 0))
    .addOption(whole('--draft-gpu-layers <n>', 'layers of the draft model on the GPU', 0));
}

export function cacheTypeOption(): Option {
  return new Option('--cache-type <type>', 'number format of the KV caches (default: f16)').choices(
    CACHE_TYPES,
  );
}

export function gpuOption(): Option {
  return new Option('--gpu <device>', 'device')
    .choices(['auto', 'cuda', 'vulkan', 'metal', 'off'])
    .default('auto');
}

export function colorOption(): Option {
  return new Option('--color <when>', 'colours').choices(['auto', 'always', 'never']).default('auto');
}

export function addEngineOption(program: Command): void {
  program.addOption(
    new Option(
      '--engine <name>',
      "direct: llama.cpp's C API; bindings: node-llama-cpp's; auto: direct if it can",
    )
      .choices(['auto', 'direct', 'bindings'])
      .default('auto'),
  );
}

/** `--draft lookup` names no file; `--draft ./lookup` does. */
export function draftFile({ draft }: { readonly draft?: string | undefined }): string | undefined {
  return draft === 'lookup' ? undefined : draft;
}

export function draftSource({ draft }: RuntimeFlags): 'lookup' | 'model' {
  return draft === 'lookup' ? 'lookup' : 'model';
}

/** @returns where the pair is and on what device, as the library wants it */
export function pairOptionsOf(flags: RuntimeFlags): PairOptions {
  const { model, modelsDir, offline, gpu, gpuLayers, draftGpuLayers, verbose } = flags;
  const log = verbose ? (line: string) => process.stderr.write(`${line}\n`) : undefined;
  return { model, draft: draftFile(flags), modelsDir, offline, gpu, gpuLayers, draftGpuLayers, log };
}

/** @returns how to run it */
export function runOptionsOf(flags: RuntimeFlags): RunOptions {
  const { ctxSize, threads, draftThreads, cacheType, flashAttn } = flags;
  const flashAttention = flashAttn === 'auto' ? undefined : flashAttn === 'on';
  return { contextSize: ctxSize, threads, draftThreads, cacheType, flashAttention };
}

type NumberKey = {
  [Key in keyof Settings]-?: NonNullable<Settings[Key]> extends number ? Key : never;
}[keyof Settings];

/** A number that the library's own schema judges, so that both say the same. */
export function setting(flags: string, key: NumberKey, description: string): Option {
  const option = new Option(flags, description).argParser((text) => parseSetting(key, text));
  return DEFAULTS[key] === undefined ? option : option.default(DEFAULTS[key]);
}

/** Such numbers, separated by commas. Undefined where they are left out. */
export function listSetting(flags: string, key: NumberKey, description: string): Option {
  return new Option(flags, `${description} (default: ${DEFAULTS[key]})`).argParser((list) =>
    list.split(',').map((text) => parseSetting(key, text)),
  );
}

function parseSetting(key: NumberKey, text: string): number {
  const parsed = settingsSchema.shape[key].safeParse(parseNumber(text));
  if (!parsed.success) throw new InvalidArgumentError(`It must be ${parsed.error.issues[0]!.message}.`);
  return parsed.data as number;
}

export function whole(
  flags: string,
  description: string,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): Option {
  return new Option(flags, description).argParser((text) => {
    const value = parseNumber(text);
    if (!Number.isSafeInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(
        `It must be a whole number, ${max < Number.MAX_SAFE_INTEGER ? `${min} to ${max}` : `${min} or more`}.`,
      );
    return value;
  });
}

/** Number('') is 0, which nobody means. */
export function parseNumber(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}
