/**
 * Models of random weights whose memory is not a plain KV cache, in the shapes that llama.cpp's src/models asks for.
 * Each function writes one file into `dir` and returns its path.
 */
import { join } from 'node:path';
import type { Metadata, Tensor } from '../../scripts/gguf-writer.js';
import { randomModel } from '../../scripts/make-random-model.js';
import { blocks, constant, matrix, SHAPE, write } from './architecture-parts.js';
import { rwkv6Model, rwkv7Model } from './rwkv-models.js';

const { width, layers, heads } = SHAPE;

/** A gemma2 model whose even layers see the last `window` tokens, its odd ones all. */
export async function slidingWindowModel(dir: string, { window }: { window: number }): Promise<string> {
  const { metadata, tensors } = randomModel(SHAPE);
  const norms = blocks((block) => [
    constant(`${block}.post_attention_norm.weight`, [width], 4), // gemma multiplies its embeddings by √width,
    constant(`${block}.post_ffw_norm.weight`, [width], 4), // beside which 1 would not show
  ]);
  const small = constant('output_norm.weight', [width], 1 / 4); // keeps what an F16 cache rounds off small, too
  return write(join(dir, `window-${window}.gguf`), 'gemma2', {
    metadata: { ...metadata, 'llama.attention.sliding_window': { u32: window } },
    tensors: [...tensors.filter(({ name }) => name !== small.name), ...norms, small],
  });
}

/** A mamba model: each layer keeps a state of fixed size, which every token changes for good. */
export async function recurrentModel(dir: string): Promise<string> {
  const { metadata, tensors } = randomModel(SHAPE);
  const [inner, kernel, state, rank] = [2 * width, 4, 16, 2];
  const own = blocks((block) => [
    constant(`${block}.attn_norm.weight`, [width], 1),
    matrix(`${block}.ssm_in.weight`, width, 2 * inner),
    matrix(`${block}.ssm_conv1d.weight`, kernel, inner),
    constant(`${block}.ssm_conv1d.bias`, [inner], 0),
    matrix(`${block}.ssm_x.weight`, inner, rank + 2 * state),
    matrix(`${block}.ssm_dt.weight`, rank, inner),
    constant(`${block}.ssm_dt.bias`, [inner], 0),
    constant(`${block}.ssm_a`, [state, inner], -1), // negative: the state fades
    constant(`${block}.ssm_d`, [inner], 1),
    matrix(`${block}.ssm_out.weight`, inner, width),
  ]);
  return write(join(dir, 'recurrent.gguf'), 'mamba', {
    metadata: {
      ...metadata,
      'llama.ssm.conv_kernel': { u32: kernel },
      'llama.ssm.inner_size': { u32: inner },
      'llama.ssm.state_size': { u32: state },
      'llama.ssm.time_step_rank': { u32: rank },
    },
    tensors: [...tensors.filter(({ name }) => !name.startsWith('blk.')), ...own],
  });
}

/** An lfm2 model: a short convolution in every layer but the last, which attends. */
export async function hybridModel(dir: string): Promise<string> {
  const { metadata, tensors } = randomModel(SHAPE);
  const kernel = 3;
  const last = `blk.${layers - 1}`;
  const isAttention = (name: string) => /\.attn_(q|k|v|output)\./.test(name);
  const convolutions = blocks((block) => [
    matrix(`${block}.shortconv.conv.weight`, kernel, width),
    matrix(`${block}.shortconv.in_proj.weight`, width, 3 * width),
    matrix(`${block}.shortconv.out_proj.weight`, width, width),
  ]);
  return write(join(dir, 'hybrid.gguf'), 'lfm2', {
    metadata: {
      ...metadata,
      'llama.shortconv.l_cache': { u32: kernel },
      'llama.attention.head_count_kv': {
        i32s: Array.from({ length: layers }, (_, n) => (n < layers - 1 ? 0 : heads)),
      },
    },
    tensors: [
      ...tensors
        .filter(({ name }) => !isAttention(name) || name.startsWith(last))
        .map((tensor) =>
          tensor.name === 'output_norm.weight' ? { ...tensor, name: 'token_embd_norm.weight' } : tensor,
        ),
      ...convolutions.filter(({ name }) => !name.startsWith(last)),
      constant(`${last}.attn_q_norm.weight`, [width / heads], 1),
      constant(`${last}.attn_k_norm.weight`, [width / heads], 1),
    ],
  });
}

/** Tensors of a mamba 2 layer: two heads, one group. */
const MAMBA_2 = { inner: 2 * width, kernel: 4, state: 16, ssmHeads: 2, groups: 1 };

function mamba2Tensors(block: string): Tensor[] {
  const { inner, kernel, state, ssmHeads, groups } = MAMBA_2;
  const convolved = inner + 2 * groups * state;
  return [
    matrix(`${block}.ssm_in.weight`, width, inner + convolved + ssmHeads),
    matrix(`${block}.ssm_conv1d.weight`, kernel, convolved),
    constant(`${block}.ssm_conv1d.bias`, [convolved], 0),
    constant(`${block}.ssm_dt.bias`, [ssmHeads], 0),
    constant(`${block}.ssm_a`, [1, ssmHeads], -1),
    constant(`${block}.ssm_d`, [1, ssmHeads], 1),
    constant(`${block}.ssm_norm.weight`, [inner / groups, groups], 1),
    matrix(`${block}.ssm_out.weight`, inner, width),
  ];
}

const MAMBA_2_METADATA: Metadata = {
  'llama.ssm.conv_kernel': { u32: MAMBA_2.kernel },
  'llama.ssm.inner_size': { u32: MAMBA_2.inner },
  'llama.ssm.state_size': { u32: MAMBA_2.state },
  'llama.ssm.time_step_rank': { u32: MAMBA_2.ssmHeads },
  'llama.ssm.group_count': { u32: MAMBA_2.groups },
};

/** A mamba2 model. */
export async function mamba2Model(dir: string): Promise<string> {
  const { metadata, tensors } = randomModel(SHAPE);
  const own = blocks((block) => [constant(`${block}.attn_norm.weight`, [width], 1), ...mamba2Tensors(block)]);
  return write(join(dir, 'mamba2.gguf'), 'mamba2', {
    metadata: { ...metadata, ...MAMBA_2_METADATA },
    tensors: [...tensors.filter(({ name }) => !name.startsWith('blk.')), ...own],
  });
}

/** A granitehybrid model: mamba 2 in every layer but the last, which attends. */
export async function graniteModel(dir: string): Promise<string> {
  const { metadata, tensors } = randomModel(SHAPE);
  const last = `blk.${layers - 1}`;
  const isAttention = (name: string) => /\.attn_(q|k|v|output)\./.test(name);
  const own = blocks(mamba2Tensors).filter(({ name }) => !name.startsWith(last));
  return write(join(dir, 'granite.gguf'), 'granitehybrid', {
    metadata: {
      ...metadata,
      ...MAMBA_2_METADATA,
      'llama.attention.head_count_kv': {
        i32s: Array.from({ length: layers }, (_, n) => (n < layers - 1 ? 0 : heads)),
      },
    },
    tensors: [...tensors.filter(({ name }) => !isAttention(name) || name.startsWith(last)), ...own],
  });
}

/** A nemotron_h model: mamba 2 in every layer but the last two, of which one attends and one is a feed-forward network alone. */
export async function nemotronModel(dir: string): Promise<string> {
  const { metadata, tensors } = randomModel(SHAPE);
  const [attends, feeds] = [`blk.${layers - 2}.`, `blk.${layers - 1}.`];
  const inLayer = (only: (layer: number) => number) => ({
    i32s: Array.from({ length: layers }, (_, n) => only(n)),
  });
  return write(join(dir, 'nemotron.gguf'), 'nemotron_h', {
    metadata: {
      ...metadata,
      ...MAMBA_2_METADATA,
      'llama.attention.layer_norm_epsilon': { f32: 1e-5 },
      'llama.attention.head_count_kv': inLayer((n) => (n === layers - 2 ? heads : 0)),
      'llama.feed_forward_length': inLayer((n) => (n === layers - 1 ? SHAPE.ffn : 0)),
    },
    tensors: [
      ...tensors.filter(
        ({ name }) =>
          !name.startsWith('blk.') ||
          name.endsWith('.attn_norm.weight') ||
          (name.startsWith(attends) && /\.attn_(q|k|v|output)\./.test(name)) ||
          (name.startsWith(feeds) && /\.ffn_(up|down)\./.test(name)),
      ),
      ...blocks(mamba2Tensors).filter(({ name }) => !name.startsWith(attends) && !name.startsWith(feeds)),
    ],
  });
}

/** A falcon-h1 model: every layer attends and has a mamba 2 state beside. */
export async function falconModel(dir: string): Promise<string> {
  const { metadata, tensors } = randomModel(SHAPE);
  return write(join(dir, 'falcon.gguf'), 'falcon-h1', {
    metadata: { ...metadata, ...MAMBA_2_METADATA },
    tensors: [
      ...tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace(/(ffn_norm)\.weight$/, '$1') })),
      ...blocks(mamba2Tensors),
    ],
  });
}

/** Models with recurrent layers, and the number of tokens that each can take back where three are asked for. */
export const RECURRENT_MODELS = [
  { architecture: 'mamba', kept: 0, write: recurrentModel },
  { architecture: 'mamba2', kept: 0, write: mamba2Model },
  { architecture: 'granitehybrid', kept: 0, write: graniteModel },
  { architecture: 'rwkv6', kept: 0, write: rwkv6Model },
  { architecture: 'rwkv7', kept: 0, write: rwkv7Model },
  { architecture: 'falcon-h1', kept: 0, write: falconModel },
  { architecture: 'lfm2', kept: 3, write: hybridModel },
  { architecture: 'nemotron_h', kept: 3, write: nemotronModel },
];
