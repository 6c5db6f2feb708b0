/**
 * Models of random weights whose memory is not a plain KV cache, in the shapes that llama.cpp's src/models asks for.
 * Each function writes one file into `dir` and returns its path.
 */
import { join } from 'node:path';
import { type GgufContents, type Metadata, type Tensor, writeGguf } from '../../scripts/gguf-writer.js';
import { randomModel } from '../../scripts/make-random-model.js';

const SHAPE = { vocab: 384, width: 32, layers: 4, heads: 2, ffn: 64, context: 512, type: 'F32' } as const;
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

/** Models with recurrent layers, and the number of tokens that each can take back where three are asked for. */
export const RECURRENT_MODELS = [
  { architecture: 'mamba', kept: 0, write: recurrentModel },
  { architecture: 'mamba2', kept: 0, write: mamba2Model },
  { architecture: 'granitehybrid', kept: 0, write: graniteModel },
  { architecture: 'lfm2', kept: 3, write: hybridModel },
];

/** Under another architecture's name, which is how its own keys begin. */
async function write(
  path: string,
  architecture: string,
  { metadata, tensors }: GgufContents,
): Promise<string> {
  const renamed = Object.entries(metadata).map(([key, value]) => [
    key.replace(/^llama\./, `${architecture}.`),
    value,
  ]);
  await writeGguf(path, {
    metadata: { ...Object.fromEntries(renamed), 'general.architecture': { string: architecture } },
    tensors,
  });
  return path;
}

const blocks = (tensorsOf: (block: string) => Tensor[]): Tensor[] =>
  Array.from({ length: layers }, (_, n) => tensorsOf(`blk.${n}`)).flat();

const matrix = (name: string, inputs: number, outputs: number): Tensor =>
  tensor(name, [inputs, outputs], (i) => Math.sin(i + 1) / Math.sqrt(inputs));

const constant = (name: string, dims: readonly number[], value: number): Tensor =>
  tensor(name, dims, () => value);

function tensor(name: string, dims: readonly number[], valueAt: (i: number) => number): Tensor {
  const length = dims.reduce((a, b) => a * b);
  return { name, dims, type: 'F32', data: () => [Float32Array.from({ length }, (_, i) => valueAt(i))] };
}
