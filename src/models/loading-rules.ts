import type { GgufFile } from './gguf-file.js';
import { elementsOf } from './gguf-reader.js';
import type { Metadata } from './metadata.js';
import { tensorBytes } from './tensor-bytes.js';

/**
 * The rules that llama.cpp holds a model to by ending the process: by assertions, or by a crash in an operation.
 * What it refuses with a message of its own is not looked for here.
 * Source: `load_hparams` in llama-model.cpp, llama-vocab.cpp, ggml's operations on the processor.
 */
const RULES: readonly ((model: GgufFile) => Iterable<string>)[] = [
  alignment,
  counts,
  experts,
  heads,
  positions,
  norms,
  vocabulary,
  beginAndEnd,
  weights,
];

/** @returns what is wrong with a model that llama.cpp would not survive, as the end of a sentence; undefined: nothing is */
export function brokenRule(model: GgufFile): string | undefined {
  for (const rule of RULES) for (const broken of rule(model)) return broken;
  return undefined;
}

const says = (key: string, found: unknown, expected: string) => `says ${key} is ${found}, not ${expected}`;

/** Whether a number is there and breaks a condition; what is missing has a default. */
function* unless(
  metadata: Metadata,
  key: string,
  holds: (value: number) => boolean,
  expected: string,
): Iterable<string> {
  const value = metadata.number(key);
  if (value !== undefined && !holds(value)) yield says(key, value, expected);
}

/** @returns the layers that have a tensor of this name; its group is the layer */
function layersWith(name: RegExp, tensors: GgufFile['tensors']): ReadonlySet<number> {
  return new Set(tensors.flatMap((tensor) => name.exec(tensor.name)?.[1] ?? []).map(Number));
}

/** @param list a number for each layer, or one for all */
function of(list: readonly number[], layer: number): number | undefined {
  return list.length > 1 ? list[layer] : list[0];
}

function* alignment({ parts }: GgufFile): Iterable<string> {
  for (const { header } of parts) {
    const entry = header.entries.get('general.alignment');
    if (entry === undefined) continue;
    const value = entry.type === 'u32' ? (entry.value as number) : Number.NaN;
    if (!(value >= 32 && Number.isInteger(Math.log2(value))))
      yield says('general.alignment', value, 'a power of two of at least 32');
  }
}

/** LLAMA_MAX_LAYERS, LLAMA_MAX_EXPERTS. */
const MOST = { layers: 512, experts: 1024 };

/** Settings that llama.cpp divides by, or makes tensors of, where they are given. */
const AT_LEAST_1 = [
  'embedding_length',
  'attention.key_length',
  'attention.value_length',
  'shortconv.l_cache',
  'ssm.conv_kernel',
  'ssm.inner_size',
  'ssm.state_size',
  'ssm.time_step_rank',
];

function* counts({ metadata, tensors }: GgufFile): Iterable<string> {
  const own = (setting: string) => metadata.own(setting);
  const layers = metadata.number(own('block_count'));
  if (layers === undefined) return yield says(own('block_count'), 'missing', `1 to ${MOST.layers}`);
  if (!(layers >= 1 && layers <= MOST.layers)) yield `tells of ${layers} layers, not of 1 to ${MOST.layers}`;
  yield* unless(metadata, own('nextn_predict_layers'), (n) => n <= layers, `at most ${layers}, its layers`);
  for (const setting of AT_LEAST_1) yield* unless(metadata, own(setting), (n) => n >= 1, 'at least 1');
  const state = metadata.number(own('ssm.inner_size'));
  const width = metadata.number(own('embedding_length'));
  if (metadata.architecture === 'granitehybrid' && state !== 2 * width!)
    yield says(own('ssm.inner_size'), state ?? 'missing', `twice ${width}`);
  const inner = metadata.numbers(own('feed_forward_length')) ?? [0];
  for (const layer of layersWith(/^blk\.(\d+)\.ffn_up\.weight$/, tensors))
    if (!(of(inner, layer)! >= 1)) yield says(own('feed_forward_length'), of(inner, layer), 'at least 1');
  for (const key of ['split.count', 'split.no']) {
    const type = metadata.typeOf(key);
    if (type !== undefined && type !== 'u16') yield says(`the type of ${key}`, type, 'u16');
  }
}

function* experts({ metadata, tensors }: GgufFile): Iterable<string> {
  const own = (setting: string) => metadata.own(setting);
  const all = metadata.number(own('expert_count')) ?? 0;
  if (all === 0 && tensors.some(({ name }) => /\.ffn_(gate|up|down)_exps\.weight$/.test(name)))
    yield says(own('expert_count'), all, 'at least 1');
  if (all > MOST.experts) yield says(own('expert_count'), all, `at most ${MOST.experts}`);
  const isSmallHunyuan = /^hunyuan[-_](vl|dense)$/.test(metadata.architecture) && all <= 1;
  if (isSmallHunyuan) return;
  const used = Math.max(0, ...(metadata.numbers(own('expert_used_count')) ?? []));
  if (used > all || (all > 0 && used === 0))
    yield says(own('expert_used_count'), used, all > 0 ? `1 to ${all}` : '0, without experts');
  const groups = metadata.number(own('expert_group_count')) ?? 0;
  const groupsUsed = metadata.number(own('expert_group_used_count')) ?? 0;
  if (groups > 0 && groups >= all) yield says(own('expert_group_count'), groups, `below ${all}`);
  if (groups > 1 && all % groups !== 0) yield says(own('expert_group_count'), groups, `a divisor of ${all}`);
  if (groups > 1 && !(groupsUsed > 0 && groupsUsed < groups))
    yield says(own('expert_group_used_count'), groupsUsed, `1 to ${groups - 1}`);
}

/** Layers with queries and keys; layers with a state may have such tensors for other ends, and no heads. */
const QUERIES = /^blk\.(\d+)\.attn_(q|qkv)\.weight$/;
const STATES = /^blk\.(\d+)\.(ssm_|shortconv\.|time_mix_)/;

function* heads({ metadata, tensors }: GgufFile): Iterable<string> {
  const own = (setting: string) => metadata.own(setting);
  const [queries, keys] = [own('attention.head_count'), own('attention.head_count_kv')];
  const width = metadata.number(own('embedding_length')) ?? 0;
  const counts = metadata.numbers(queries) ?? [0];
  const keyCounts = metadata.numbers(keys) ?? counts;
  const withState = layersWith(STATES, tensors);
  for (const layer of layersWith(QUERIES, tensors)) {
    if (withState.has(layer)) continue;
    const [count, keyCount] = [of(counts, layer), of(keyCounts, layer)];
    if (!(count! >= 1)) yield says(queries, count ?? 'missing', 'at least 1');
    if (!(keyCount! >= 1 && count! % keyCount! === 0)) yield says(keys, keyCount, `a divisor of ${count}`);
    const size = metadata.number(own('attention.key_length')) ?? Math.floor(width / count!);
    if (!(size >= 1)) yield says(queries, count, `at most ${width}, the numbers of a token`);
  }
}

const SCALINGS = ['none', 'linear', 'yarn', 'longrope'];

function* positions({ metadata }: GgufFile): Iterable<string> {
  const own = (setting: string) => metadata.own(setting);
  const scaling = metadata.text(own('rope.scaling.type'));
  if (scaling !== undefined && !SCALINGS.includes(scaling))
    yield says(own('rope.scaling.type'), JSON.stringify(scaling), `one of ${SCALINGS.join(', ')}`);
  for (const [part, head] of [
    ['rope.dimension_count', 'attention.key_length'],
    ['rope.dimension_count_swa', 'attention.key_length_swa'],
  ] as const) {
    const most = metadata.number(own(head)) ?? Number.POSITIVE_INFINITY;
    yield* unless(
      metadata,
      own(part),
      (n) => n % 2 === 0 && n <= most,
      `even, and at most ${most === Number.POSITIVE_INFINITY ? 'the numbers of a head' : most}`,
    );
  }
  yield* unless(metadata, own('rope.freq_base'), (n) => n > 0 && n < Number.POSITIVE_INFINITY, 'above 0');
}

function* norms({ metadata }: GgufFile): Iterable<string> {
  for (const key of metadata.entries.keys())
    if (key.endsWith('epsilon'))
      yield* unless(metadata, key, (n) => n >= 0 && n < Number.POSITIVE_INFINITY, '0 or above');
}

/** Kinds of tokenizers of models that generate text, by llama.cpp's names. */
const TOKENIZERS = ['llama', 'gpt2', 'hybriddna', 'whitespace', 't5', 'rwkv', 'plamo2', 'gemma4'];
const TOKENS = 'tokenizer.ggml.tokens';
const KIND = 'tokenizer.ggml.model';

function* vocabulary({ metadata }: GgufFile): Iterable<string> {
  const kind = metadata.text(KIND);
  if (kind === undefined || !TOKENIZERS.includes(kind))
    yield says(KIND, JSON.stringify(kind ?? null), `one of ${TOKENIZERS.join(', ')}`);
  const tokens = metadata.texts(TOKENS) ?? [];
  const known = new Map<string, number>();
  for (const [token, text] of tokens.entries()) {
    const named = text === '' ? `[EMPTY_${token}]` : text; // as llama.cpp does
    const other = known.get(named);
    if (other !== undefined)
      yield `has tokens ${other} and ${token} with the same text, ${JSON.stringify(text)}`;
    known.set(named, token);
  }
  if (tokens.length === 0) yield 'holds an empty vocabulary';
  if (kind === 'llama') for (const byte of bytesWithout(known)) yield `has no token for the byte ${byte}`;
  if (kind === 'rwkv' && !tokens.includes('\\n')) yield 'has no token for the end of a line';
}

/** Bytes that no text has: UTF-8 ends before them, or does without. */
const NOT_UTF_8 = (byte: number) => byte === 0xc0 || byte === 0xc1 || byte > 0xf4;

/** A text without a token of its own is written byte by byte. */
function* bytesWithout(tokens: { has(text: string): boolean }): Iterable<string> {
  for (let byte = 0; byte < 256; byte++) {
    const name = `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
    const isLetter = byte < 128 && tokens.has(String.fromCharCode(byte));
    if (!tokens.has(name) && !isLetter && !NOT_UTF_8(byte)) yield name;
  }
}

/** Ids where the file gives none. */
const DEFAULTS: ReadonlyMap<string, readonly [bos: number, eos: number]> = new Map([
  ['llama', [1, 2]],
  ['plamo2', [1, 2]],
  ['gpt2', [11, 11]],
  ['hybriddna', [11, 11]],
  ['whitespace', [11, 11]],
  ['t5', [-1, 1]],
]);

/** Ways to split texts before they are tokenized, which llama.cpp takes for that of Gemma 4. */
const LIKE_GEMMA4: ReadonlySet<string> = new Set(['gemma4', 'granite-embed-multi-311m']);
const PRE = 'tokenizer.ggml.pre';

/** llama.cpp puts these tokens before and behind a text where the file says so, and must find them. */
function* beginAndEnd({ metadata }: GgufFile): Iterable<string> {
  const kind = metadata.text(KIND)!;
  const size = metadata.texts(TOKENS)!.length;
  const isGemma4 = kind === 'gemma4' || (kind === 'gpt2' && LIKE_GEMMA4.has(metadata.text(PRE) ?? ''));
  const has = (id: number | undefined) => id !== undefined && id >= 0 && id < size;
  for (const [i, [what, adds]] of [
    ['bos', kind === 'llama' || kind === 'gemma4'],
    ['eos', kind === 't5'],
  ].entries() as IterableIterator<[number, [string, boolean]]>) {
    const key = `tokenizer.ggml.${what}_token_id`;
    const isForced = what === 'bos' && isGemma4; // llama.cpp does not heed the file there
    const isAdded = isForced || (metadata.flag(`tokenizer.ggml.add_${what}_token`) ?? adds);
    if (isAdded && !has(metadata.number(key)) && !has(DEFAULTS.get(kind)?.[i]))
      yield says(key, metadata.number(key) ?? 'missing', `one of its ${size} tokens`);
  }
}

/** Types without a product with a vector, by ggml's number: Q8_1, Q8_K, whole numbers, F64. */
const NO_PRODUCT: ReadonlySet<number> = new Set([9, 15, 24, 25, 26, 27, 28]);
const F32 = 0;

function* weights({ tensors }: GgufFile): Iterable<string> {
  for (const { name, dims, type } of tensors) {
    if (elementsOf(dims) === 0) yield `has the tensor ${name} without numbers`;
    if (tensorBytes(type, 0) === undefined) continue; // llama.cpp says so
    const isVector = /\.(weight|bias)$/.test(name) && (dims.length <= 1 || /_norm\.weight$/.test(name));
    if (isVector && type !== F32)
      yield `has the tensor ${name} of type ${type}, not of type 0 as all vectors have`;
    if (/\.weight$/.test(name) && NO_PRODUCT.has(type))
      yield `has the tensor ${name} of type ${type}, which no matrix has`;
  }
}
