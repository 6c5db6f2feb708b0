/** Headers of model files: `inspect` and four tokens on both engines. */

import { readFile } from 'node:fs/promises';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import type { Rng } from '../../src/types.js';
import { tinyModel } from '../../test/support/gguf-files.js';
import {
  graniteModel,
  hybridModel,
  mamba2Model,
  recurrentModel,
  slidingWindowModel,
} from '../../test/support/other-architectures.js';
import { f32, text, u32, u64 } from '../gguf-numbers.js';
import { below, damagedBytes, oddText, pick } from './chance.js';
import { type Kind, tried } from './kind.js';

/** A field of a header, of 1 to 8 bytes; of an entry's value with the key. */
interface Field {
  readonly at: number;
  readonly bytes: number;
  readonly isFloat: boolean;
}

export const gguf: Kind = async () => {
  const paths = [
    EMBEDDED_PAIR.draft,
    await tinyModel('.'),
    await slidingWindowModel('.', { window: 8 }),
    await hybridModel('.'),
    await recurrentModel('.'),
    await mamba2Model('.'),
    await graniteModel('.'),
  ];
  const bases = await Promise.all(
    paths.map(async (path) => {
      const bytes = await readFile(path);
      return { bytes, ...fieldsOf(bytes) };
    }),
  );
  const line = [
    '-m',
    'case.gguf',
    '-n',
    '4',
    '-t',
    '1',
    '-c',
    '64',
    '--gpu',
    'off',
    '--seed',
    '1',
    '--raw',
    'Once',
  ];
  return (rng) => {
    const base = rng() < 0.5 ? bases[below(2, rng)]! : pick(bases, rng);
    const content = pick([withFields, withFields, withEntry, withText, damagedHead], rng)(base, rng);
    return tried({
      files: { 'case.gguf': content },
      lines: [
        ['inspect', 'case.gguf', '--gpu', 'off'],
        [...line, '--engine', 'direct'],
        [...line, '--engine', 'bindings'],
      ],
    });
  };
};

type Base = { readonly bytes: Buffer } & ReturnType<typeof fieldsOf>;

const ODD = [
  0n,
  1n,
  2n,
  3n,
  7n,
  16n,
  31n,
  48n,
  255n,
  65535n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const ODD_FLOATS = [
  0,
  -1,
  -1e-6,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e38,
  1e-38,
];

/** Sets one to three fields to odd values, or to one more or less than they are. */
function withFields({ bytes, fields }: Base, rng: Rng): Buffer {
  const changed = Buffer.from(bytes);
  for (let left = 1 + below(3, rng); left > 0; left--) {
    const { at, bytes: length, isFloat } = pick(fields, rng);
    if (isFloat && rng() < 0.8) changed.writeFloatLE(pick(ODD_FLOATS, rng), at);
    else {
      const room = Buffer.alloc(8);
      changed.copy(room, 0, at, at + length);
      const near = room.readBigUInt64LE() + pick([1n, -1n, 4n, -4n], rng);
      room.writeBigUInt64LE(BigInt.asUintN(64, rng() < 0.3 ? near : pick(ODD, rng)));
      room.copy(changed, at, 0, length);
    }
  }
  return changed;
}

/** Settings that files may have, under the architecture's name or as they are. */
const KEYS =
  `.rope.scaling.type .rope.scaling.factor .rope.dimension_count .rope.freq_base .rope.dimension_sections
.expert_count .expert_used_count .expert_group_count .expert_feed_forward_length .nextn_predict_layers .vocab_size
.attention.key_length .attention.value_length .attention.sliding_window .attention.max_alibi_bias .attention.clamp_kqv
.attention.layer_norm_epsilon .attention.group_norm_epsilon .attention.scale .attention.causal .pooling_type
.attn_logit_softcapping .final_logit_softcapping .logit_scale .residual_scale .embedding_scale .attention.head_count
.attention.head_count_kv .feed_forward_length .ssm.group_count .ssm.conv_kernel .shortconv.l_cache .leading_dense_block_count
.rope.scaling.original_context_length .attention.sliding_window_pattern .decoder_start_token_id .use_parallel_residual
split.count split.no split.tensors.count general.alignment general.file_type general.type general.name general.license
tokenizer.ggml.model tokenizer.ggml.pre tokenizer.ggml.merges tokenizer.ggml.scores tokenizer.ggml.token_type
tokenizer.ggml.tokens tokenizer.ggml.bos_token_id tokenizer.ggml.add_bos_token tokenizer.ggml.add_eos_token
tokenizer.ggml.eot_token_id tokenizer.ggml.add_space_prefix tokenizer.ggml.precompiled_charsmap
tokenizer.ggml.remove_extra_whitespaces tokenizer.chat_template mtad.caveat tokenizer tokenizer.ggml general __proto__.x`.split(
    /\s+/,
  );
const TEXTS = [
  'none',
  'yarn',
  'longrope',
  'x',
  'llama',
  'gpt2',
  'bert',
  't5',
  'rwkv',
  'plamo2',
  'gemma4',
  'whitespace',
  'no_vocab',
];
const TEMPLATES = [
  '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}',
  '{% for i in range(1000000000) %}{{ i }}{% endfor %}',
  "{{ 'x' * 1000000000 }}",
  '{{ messages',
];

/** Adds an entry, in the place of the one with the same key. */
function withEntry({ bytes, entries, architecture }: Base, rng: Rng): Buffer {
  const wanted = pick(KEYS, rng);
  const key = wanted.startsWith('.') ? architecture + wanted : wanted;
  const there = entries.find((entry) => entry.key === key);
  const [from, to] = there ? [there.at, there.end] : [24, 24];
  const removes = there !== undefined && rng() < 0.3;
  const entry = removes ? Buffer.alloc(0) : Buffer.concat([text(key), oddEntryValue(rng)]);
  const count = Buffer.from(bytes.subarray(0, 24));
  count.writeBigUInt64LE(BigInt(entries.length + (there ? 0 : 1) - (removes ? 1 : 0)), 16);
  const head = Buffer.concat([count, bytes.subarray(24, from), entry, bytes.subarray(to)]);
  return rng() < 0.9 ? realigned(head, bytes) : head;
}

/** Keeps the data where llama.cpp looks for it: behind the header, at a multiple of 32 bytes. */
function realigned(changed: Buffer, before: Buffer): Buffer {
  const { end: oldEnd } = fieldsOf(before);
  const padded = Math.ceil(oldEnd / 32) * 32;
  const newEnd = oldEnd + (changed.length - before.length);
  const padding = Buffer.alloc(Math.ceil(newEnd / 32) * 32 - newEnd);
  return Buffer.concat([changed.subarray(0, newEnd), padding, before.subarray(padded)]);
}

function oddEntryValue(rng: Rng): Buffer {
  const kinds: (() => Buffer)[] = [
    () => Buffer.concat([u32(4), u32(Number(pick(ODD, rng) & 0xffffffffn))]),
    () => Buffer.concat([u32(6), f32(pick(ODD_FLOATS, rng))]),
    () => Buffer.concat([u32(7), Buffer.of(below(3, rng))]),
    () => Buffer.concat([u32(8), text(pick([...TEXTS, ...TEMPLATES, oddText(rng)], rng))]),
    () => Buffer.concat([u32(10), u64(pick(ODD, rng))]),
    () => Buffer.concat([u32(5), u32(Number(pick(ODD, rng) & 0xffffffffn))]),
    () => Buffer.concat([u32(2), Buffer.of(below(3, rng), 0)]),
    () => {
      const texts = Array.from({ length: below(4, rng) }, () => text(pick([...TEXTS, oddText(rng)], rng)));
      return Buffer.concat([u32(9), u32(8), u64(BigInt(texts.length)), ...texts]);
    },
    () => {
      const numbers = Array.from({ length: below(6, rng) }, () => u32(Number(pick(ODD, rng) & 0xffffffffn)));
      return Buffer.concat([u32(9), u32(pick([4, 5, 6], rng)), u64(BigInt(numbers.length)), ...numbers]);
    },
  ];
  return pick(kinds, rng)();
}

/** Changes the text of an entry or of some tokens, without changing its length. */
function withText({ bytes, texts }: Base, rng: Rng): Buffer {
  const changed = Buffer.from(bytes);
  for (let left = 1 + below(3, rng); left > 0; left--) {
    const { at, length } = pick(texts, rng);
    const other = rng() < 0.5 ? oddText(rng) : changed.toString('utf8', at, at + length).toUpperCase();
    Buffer.from(other.padEnd(length, pick(['x', ' ', '\0'], rng))).copy(changed, at, 0, length);
  }
  return changed;
}

/** Only the header, so that most changes strike. */
function damagedHead({ bytes, end }: Base, rng: Rng): Buffer {
  return Buffer.concat([damagedBytes(bytes.subarray(0, end), rng), bytes.subarray(end)]);
}

/** Elements of an array that count as fields: long arrays would be nearly all of them. */
const SOME = 8;

/** Bytes of a value by gguf_type. */
const SIZES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];

/** The places of fields in a whole GGUF file. */
function fieldsOf(bytes: Buffer) {
  const fields: Field[] = [];
  const texts: { at: number; length: number }[] = [];
  const entries: { key: string; at: number; end: number }[] = [];
  let at = 4;
  let architecture = '';
  const field = (length: number, isFloat = false): number => {
    fields.push({ at, bytes: length, isFloat });
    at += length;
    return length === 8
      ? Number(bytes.readBigUInt64LE(at - 8))
      : bytes.readUIntLE(at - length, Math.min(length, 4));
  };
  const passText = (): string => {
    const length = field(8);
    if (length > 0) texts.push({ at, length });
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  const passValue = (type: number): string => {
    if (type === 8) return passText();
    field(SIZES[type]!, type === 6);
    return '';
  };
  field(4);
  const [tensors, count] = [field(8), field(8)];
  for (let i = 0; i < count; i++) {
    const start = at;
    const key = passText();
    const type = field(4);
    if (type === 9) {
      const elements = field(4);
      const length = field(8);
      for (let j = 0; j < length; j++) {
        passValue(elements);
        if (j >= SOME) fields.pop();
      }
    } else {
      const value = passValue(type);
      if (key === 'general.architecture') architecture = value;
    }
    entries.push({ key, at: start, end: at });
  }
  for (let i = 0; i < tensors; i++) {
    passText();
    const dimensions = field(4);
    for (let j = 0; j < dimensions; j++) field(8);
    field(4);
    field(8);
  }
  return { fields, texts, entries, architecture, end: at };
}
