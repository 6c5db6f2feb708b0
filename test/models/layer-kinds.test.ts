import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readGgufFile } from '../../src/models/gguf-file.js';
import { layerKindsOf } from '../../src/models/layer-kinds.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { hybridModel, recurrentModel } from '../support/other-architectures.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtad-layers-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A header with these tensors in its layers. */
const header = (...layers: string[]) => ({
  tensors: layers.flatMap((tensors, layer) =>
    tensors.split(' ').map((name) => ({ name: `blk.${layer}.${name}.weight` })),
  ),
});

describe('the kinds of layers', () => {
  it.each([
    ['a dense model', () => EMBEDDED_PAIR.model, { attention: 6, recurrent: 0, drafting: 0 }],
    ['a model of states', () => recurrentModel(dir), { attention: 0, recurrent: 4, drafting: 0 }],
    ['a hybrid', () => hybridModel(dir), { attention: 1, recurrent: 3, drafting: 0 }],
  ])('are read from the file of %s', async (_, make, kinds) => {
    expect(layerKindsOf(await readGgufFile(await make()))).toEqual(kinds);
  });

  it.each([
    [
      'qwen35 with its head',
      header('attn_qkv attn_gate ssm_conv1d', 'attn_q attn_k', 'attn_q attn_k nextn.eh_proj'),
      [1, 1, 1],
    ],
    ['falcon-h1, both in each layer', header('attn_q attn_k ssm_in'), [1, 1, 0]],
    [
      'nemotron-h, with layers that only compute',
      header('ssm_in', 'ffn_up ffn_down', 'attn_q attn_k'),
      [1, 1, 0],
    ],
    ['deepseek2, with compressed keys', header('attn_kv_a_mqa attn_q_a', 'attn_kv_a_mqa'), [2, 0, 0]],
    ['rwkv7', header('time_mix_w1 channel_mix_key'), [0, 1, 0]],
    ['phi3, with fused keys and queries', header('attn_qkv attn_output'), [1, 0, 0]],
  ])('are told by the tensors of %s', (_, file, [attention, recurrent, drafting]) => {
    expect(layerKindsOf(file)).toEqual({ attention, recurrent, drafting });
  });
});
