/** Models of random weights with drafting heads, whose targets have plain attention, so that they judge trees. */
import { join } from 'node:path';
import type { Tensor } from '../../scripts/gguf-writer.js';
import { randomModel } from '../../scripts/make-random-model.js';
import { blurredMatrix, constant, even, matrix, matrixOf, SHAPE, write } from './architecture-parts.js';

const { width, layers, heads, ffn } = SHAPE;
const EXPERTS = 2;

/** A glm4moe model: dense layers, and behind them a head with two experts. */
export async function attentionWithHead(dir: string): Promise<string> {
  const { metadata, tensors } = randomModel(SHAPE);
  const head = `blk.${layers}`;
  const attention = [...Array(layers).keys()].flatMap((n) => postNorm(`blk.${n}`));
  return write(join(dir, 'glm4moe.gguf'), 'glm4moe', {
    metadata: {
      ...metadata,
      'llama.block_count': { u32: layers + 1 },
      'llama.nextn_predict_layers': { u32: 1 },
      'llama.leading_dense_block_count': { u32: layers },
      'llama.expert_count': { u32: EXPERTS },
      'llama.expert_used_count': { u32: 1 },
      'llama.expert_shared_count': { u32: 0 },
      'llama.expert_feed_forward_length': { u32: ffn },
    },
    tensors: [
      ...tensors.filter(({ name }) => !name.includes('ffn_norm')),
      ...attention,
      constant(`${head}.attn_norm.weight`, [width], 1),
      ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].map((name) =>
        matrix(`${head}.${name}.weight`, width, width),
      ),
      ...postNorm(head),
      matrix(`${head}.ffn_gate_inp.weight`, width, EXPERTS),
      constant(`${head}.exp_probs_b.bias`, [EXPERTS], 0),
      even(`${head}.ffn_gate_exps.weight`, [width, ffn, EXPERTS], -0.3, 0.3),
      even(`${head}.ffn_up_exps.weight`, [width, ffn, EXPERTS], -0.3, 0.3),
      even(`${head}.ffn_down_exps.weight`, [ffn, width, EXPERTS], -0.2, 0.2),
      matrix(`${head}.nextn.eh_proj.weight`, 2 * width, width),
      ...['enorm', 'hnorm', 'shared_head_norm'].map((name) =>
        constant(`${head}.nextn.${name}.weight`, [width], 1),
      ),
    ],
  });
}

/** Heads in the chain. */
export const CHAIN = 3;

/**
 * A step35 model: one layer, and behind it a chain of heads that are much like it, so that many of their guesses are right. The
 * last one sees a window of 16 tokens.
 */
export async function attentionWithChain(dir: string): Promise<string> {
  const { metadata, tensors } = randomModel({ ...SHAPE, layers: 1 });
  const embeddings = tensors.find(({ name }) => name === 'token_embd.weight')!;
  const perLayer = (last: number) => ({ i32s: [...Array(CHAIN).fill(0), last] });
  return write(join(dir, 'step35.gguf'), 'step35', {
    metadata: {
      ...metadata,
      'llama.block_count': { u32: 1 + CHAIN },
      'llama.nextn_predict_layers': { u32: CHAIN },
      'llama.expert_feed_forward_length': { u32: ffn },
      'llama.attention.sliding_window': { u32: 16 },
      'llama.attention.sliding_window_pattern': perLayer(1),
      'llama.rope.dimension_count_swa': { u32: width / heads / 2 }, // as in the other layers, which halve it
    },
    tensors: [
      ...tensors.filter(({ name }) => !name.startsWith('blk.')),
      { ...embeddings, name: 'output.weight' },
      ...layer(0, 0),
      ...Array.from({ length: CHAIN }, (_, n) => [...layer(1 + n, 0.02), ...joining(`blk.${1 + n}`)]).flat(),
    ],
  });
}

/** The tensors of the first layer, under the name of another, each changed by up to `blur`. */
function layer(n: number, blur: number): Tensor[] {
  const [block, like] = [`blk.${n}`, 'blk.0'];
  const shapes = {
    attn_q: [width, width],
    attn_k: [width, width],
    attn_v: [width, width],
    attn_output: [width, width],
    ffn_gate: [width, ffn],
    ffn_up: [width, ffn],
    ffn_down: [ffn, width],
  } as const;
  return [
    ...['attn_norm', 'ffn_norm'].map((name) => constant(`${block}.${name}.weight`, [width], 1)),
    ...Object.entries(shapes).map(([name, shape]) =>
      blurredMatrix(`${block}.${name}.weight`, `${like}.${name}.weight`, shape, blur),
    ),
  ];
}

/** What joins a token and a hidden state to the input of a head: the token's embedding, and a little of the state. */
function joining(block: string): Tensor[] {
  const size = 3 / Math.sqrt(width); // of a number of an embedding
  return [
    matrixOf(`${block}.nextn.eh_proj.weight`, [2 * width, width], (input, output) =>
      input < width ? Number(input === output) : 0.05 * Math.sin(7 * input + 3 * output),
    ),
    constant(`${block}.nextn.enorm.weight`, [width], size),
    constant(`${block}.nextn.hnorm.weight`, [width], 1),
  ];
}

const postNorm = (block: string): Tensor[] => [constant(`${block}.post_attention_norm.weight`, [width], 1)];
