/** RWKV models of random weights: two states in each layer, of the token before and of all tokens. */
import { join } from 'node:path';
import type { Metadata, Tensor } from '../../scripts/gguf-writer.js';
import { randomModel } from '../../scripts/make-random-model.js';
import { blocks, constant, even, matrix, SHAPE, write } from './architecture-parts.js';

/** Numbers of a head, as in every published model; ggml computes wrongly with fewer (see `refuseUnfit`). */
const HEAD = 64;
const [width, ffn, rank, vocab] = [HEAD, 128, 8, SHAPE.vocab];
const WIDER = { ...SHAPE, width, ffn };

/** An rwkv6 model. */
export function rwkv6Model(dir: string): Promise<string> {
  return rwkv(join(dir, 'rwkv6.gguf'), 'rwkv6', rwkv6Tensors, {
    'llama.time_mix_extra_dim': { u32: rank },
    'llama.time_decay_extra_dim': { u32: rank },
  });
}

/** An rwkv7 model. */
export function rwkv7Model(dir: string): Promise<string> {
  return rwkv(join(dir, 'rwkv7.gguf'), 'rwkv7', rwkv7Tensors, {
    'llama.attention.decay_lora_rank': { u32: rank },
    'llama.attention.iclr_lora_rank': { u32: rank },
    'llama.attention.value_residual_mix_lora_rank': { u32: rank },
    'llama.attention.gate_lora_rank': { u32: rank },
  });
}

function rwkv(
  path: string,
  architecture: string,
  tensorsOf: (block: string) => Tensor[],
  own: Metadata,
): Promise<string> {
  const { metadata, tensors } = randomModel(WIDER);
  return write(path, architecture, {
    metadata: {
      ...metadata,
      'llama.attention.head_count': { u32: 0 },
      'llama.attention.head_count_kv': { u32: 0 },
      'llama.attention.layer_norm_epsilon': { f32: 1e-5 },
      'llama.wkv.head_size': { u32: HEAD },
      'llama.token_shift_count': { u32: 2 },
      ...own,
    },
    tensors: [
      ...tensors.filter(({ name }) => name === 'token_embd.weight'),
      ...norm('token_embd_norm'),
      ...norm('output_norm'),
      even('output.weight', [width, vocab], -0.4, 0.4),
      ...blocks((block) => [
        ...norm(`${block}.attn_norm`),
        ...norm(`${block}.attn_norm_2`),
        ...norm(`${block}.time_mix_ln`),
        ...squares(block, 'time_mix', 'key', 'value', 'receptance', 'output'),
        share(`${block}.channel_mix_lerp_k.weight`, 1, 1),
        matrix(`${block}.channel_mix_key.weight`, width, ffn),
        matrix(`${block}.channel_mix_value.weight`, ffn, width),
        ...tensorsOf(block),
      ]),
    ],
  });
}

function rwkv6Tensors(block: string): Tensor[] {
  return [
    matrix(`${block}.time_mix_w1.weight`, width, 5 * rank),
    even(`${block}.time_mix_w2.weight`, [rank, width, 5], -0.6, 0.6),
    share(`${block}.time_mix_lerp_x.weight`, 1, 1),
    share(`${block}.time_mix_lerp_fused.weight`, 1, 1, 5),
    even(`${block}.time_mix_first.weight`, [HEAD, width / HEAD], -0.5, 0.5),
    even(`${block}.time_mix_decay.weight`, [width], -3, 0), // the state fades
    matrix(`${block}.time_mix_decay_w1.weight`, width, rank),
    matrix(`${block}.time_mix_decay_w2.weight`, rank, width),
    ...squares(block, 'time_mix', 'gate'),
    ...squares(block, 'channel_mix', 'receptance'),
    share(`${block}.channel_mix_lerp_r.weight`, 1, 1),
  ];
}

function rwkv7Tensors(block: string): Tensor[] {
  const lowRank = (letter: string) => [
    matrix(`${block}.time_mix_${letter}1.weight`, width, rank),
    matrix(`${block}.time_mix_${letter}2.weight`, rank, width),
  ];
  const vector = (name: string, low: number, high: number) =>
    even(`${block}.time_mix_${name}.weight`, [width], low, high);
  return [
    ...['w', 'a', 'v', 'g'].flatMap(lowRank),
    vector('w0', -3, 1),
    vector('a0', -1, 1),
    vector('v0', -1, 1),
    vector('k_k', 0.5, 1),
    vector('k_a', 0.5, 1),
    vector('r_k', -0.5, 0.5),
    share(`${block}.time_mix_lerp_fused.weight`, 1, 1, 6),
  ];
}

const norm = (name: string): Tensor[] => [
  constant(`${name}.weight`, [width], 1),
  constant(`${name}.bias`, [width], 0),
];

const squares = (block: string, part: string, ...names: string[]): Tensor[] =>
  names.map((name) => matrix(`${block}.${part}_${name}.weight`, width, width));

/** How much of a token and how much of the one before. */
const share = (name: string, ...rest: number[]): Tensor => even(name, [width, ...rest], 0, 1);
