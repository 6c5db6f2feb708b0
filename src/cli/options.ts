import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CACHE_TYPES } from '../engine/port.js';
import type { RunOptions } from '../generation/run-options.js';
import { type Settings, settingsSchema } from '../generation/settings.js';
import type { PairOptions } from '../models/pair.js';
import type { Io } from './io.js';
import { printNow } from './render/sink.js';
import { cacheFolder } from './user-folders.js';

/** Defaults of the library, which are the command line's. */
export const DEFAULTS = settingsSchema.parse({});

/** Tokens that no context has room for: the text ends by itself, or where the context is full. */
const MOST_TOKENS = 10_000_000;

/** llama.cpp's other words for these numbers. -1 is left to the program by settleNumbers. */
const THREADS = new Map([
  ['0', -1],
  ['-1', -1],
]);
const LAYERS = new Map([
  ['all', 999], // more than any model has
  ['-2', 999],
  ['auto', -1],
  ['-1', -1],
]);

/** Which models, and how to run them: what every command that loads a pair is asked. Undefined = not given. */
export interface RuntimeFlags {
  model?: string;
  draft?: string;
  modelsDir?: string;
  offline?: boolean;
  /** 0: what the target was trained on. */
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
export function answerErrors(program: Command, io: Io, hint: string): Command {
  return program
    .showHelpAfterError(hint)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => printNow(text, io.stdout),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => (io.stdout.isTTY ? io.stdout.columns! : 80),
      getErrHelpWidth: () => (io.stderr.isTTY ? io.stderr.columns! : 80),
      outputError: (text, write) => write(text.replace(/^error: /, 'mtad: ')),
    });
}

export function addModelOptions(program: Command, io: Io): void {
  program.optionsGroup('Models:');
  program
    .option('-m, --model <model>', 'target model: GGUF file, name in the models folder, or address')
    .addOption(
      new Option(
        '-d, --draft <model>',
        'draft model, likewise; or lookup: guess from the text so far, no model',
      ).argParser(parseDraft),
    )
    .option('--pair <name>', 'both models by a name that stands for them, with what suits them (mtad pairs)')
    .addOption(modelsDirOption(io))
    .option('--offline', 'never use the network');
}

export function modelsDirOption({ env }: Io): Option {
  return new Option(
    '--models-dir <folder>',
    'models folder: where downloads go and names are looked up',
  ).default(join(cacheFolder(env), 'models'), "in the user's cache");
}

/** @param context what --ctx-size is by default, in words */
export function addRuntimeOptions(program: Command, context = 'what the target was trained on'): void {
  program
    .addOption(
      whole(
        '-c, --ctx-size <n>',
        `tokens of prompt and text together at most, 0 = what the target was trained on (default: ${context})`,
        2,
        new Map([['0', 0]]),
      ),
    )
    .addOption(whole('-t, --threads <n>', 'processor threads (default: by model and device)', 1, THREADS))
    .addOption(
      whole('--draft-threads <n>', 'the same for the draft model (default: as --threads)', 1, THREADS),
    )
    .addOption(cacheTypeOption())
    .addOption(
      choice('--flash-attn <when>', 'flash attention', { auto: 'auto', on: 'on', off: 'off' }).default(
        'auto',
      ),
    )
    .addOption(gpuOption())
    .addOption(
      whole(
        '--gpu-layers <n>',
        'layers of the target on the GPU, or all (default: as many as fit)',
        0,
        LAYERS,
      ),
    )
    .addOption(whole('--draft-gpu-layers <n>', 'layers of the draft model on the GPU', 0, LAYERS));
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
  const when = { auto: 'auto', on: 'always', off: 'never' };
  return choice('--color <when>', 'colours', when).default('auto');
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

/** llama.cpp's --draft was once the number of tokens. */
function parseDraft(model: string): string {
  if (/^\d+(,\d+)*$/.test(model) && !existsSync(model))
    throw new InvalidArgumentError(
      `--draft names the draft model; tokens per step are --draft-length ${model}.`,
    );
  return model;
}

/** `--draft lookup` names no file; `--draft ./lookup` does. */
export function draftFile({ draft }: { readonly draft?: string | undefined }): string | undefined {
  return draft === 'lookup' ? undefined : draft;
}

export function draftSource({ draft }: { readonly draft?: unknown }): 'lookup' | 'model' {
  return draft === 'lookup' ? 'lookup' : 'model';
}

/** @returns where the pair is and on what device, as the library wants it */
export function pairOptionsOf(flags: RuntimeFlags, io: Io): PairOptions {
  const { model, modelsDir, offline, gpu, gpuLayers, draftGpuLayers, verbose } = flags;
  const log = verbose ? (line: string) => void io.stderr.write(`${line}\n`) : undefined;
  return { model, draft: draftFile(flags), modelsDir, offline, gpu, gpuLayers, draftGpuLayers, log };
}

/** @returns how to run it */
export function runOptionsOf(flags: RuntimeFlags): RunOptions {
  const { ctxSize, threads, draftThreads, cacheType, flashAttn } = flags;
  const flashAttention = flashAttn === 'auto' ? undefined : flashAttn === 'on';
  return { contextSize: ctxSize || undefined, threads, draftThreads, cacheType, flashAttention };
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

/** llama.cpp's ways to leave a number open, and what stands for it. */
const LEFT_OPEN: Readonly<Partial<Record<NumberKey, ReadonlyMap<string, number>>>> = {
  seed: new Map([['-1', -1]]),
  maxTokens: new Map([
    ['-1', MOST_TOKENS],
    ['-2', MOST_TOKENS],
  ]),
};

function parseSetting(key: NumberKey, text: string): number {
  const open = LEFT_OPEN[key]?.get(text);
  if (open !== undefined) return open;
  const parsed = settingsSchema.shape[key].safeParse(parseNumber(text));
  if (!parsed.success) throw new InvalidArgumentError(`It must be ${parsed.error.issues[0]!.message}.`);
  return parsed.data as number;
}

/** @param named what else may stand for a number */
export function whole(
  flags: string,
  description: string,
  min: number,
  named: ReadonlyMap<string, number> = new Map(),
): Option {
  return new Option(flags, description).argParser((text) => {
    const other = named.get(text);
    if (other !== undefined) return other;
    const value = parseNumber(text);
    if (!Number.isSafeInteger(value) || value < min)
      throw new InvalidArgumentError(`It must be a whole number, ${min} or more.`);
    return value;
  });
}

/** llama.cpp's words for these choices. */
const ON_OFF_AUTO: ReadonlyMap<string, 'on' | 'off' | 'auto'> = new Map([
  ...['on', 'enabled', 'true', '1'].map((word) => [word, 'on'] as const),
  ...['off', 'disabled', 'false', '0'].map((word) => [word, 'off'] as const),
  ...['auto', '-1'].map((word) => [word, 'auto'] as const),
]);

/** A choice of three, also in llama.cpp's words. */
export function choice(
  flags: string,
  description: string,
  values: Readonly<Record<'auto' | 'on' | 'off', string>>,
): Option {
  const option = new Option(flags, description).choices(Object.values(values));
  const parse = option.parseArg!;
  return option.argParser((text, previous) => {
    const meant = ON_OFF_AUTO.get(text);
    return parse(meant ? values[meant] : text, previous);
  });
}

/** Number('') is 0, which nobody means. */
function parseNumber(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}
