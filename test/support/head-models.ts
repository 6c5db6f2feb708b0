/** A model of random weights with a drafting head, whose target has plain attention, so that it judges trees. */
import { join } from 'node:path';
import type { Tensor } from '../../scripts/gguf-writer.js';
import { randomModel } from '../../scripts/make-random-model.js';
import { constant, even, matrix, SHAPE, write } from './architecture-parts.js';

const { width, layers, ffn } = SHAPE;
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

const postNorm = (block: string): Tensor[] => [constant(`${block}.post_attention_norm.weight`, [width], 1)];
