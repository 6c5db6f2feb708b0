import type { TensorInfo } from './gguf-reader.js';

/** Numbers of the layers of a model by their kind. A layer that has both attention and a state is in both numbers. */
export interface LayerKinds {
  /** Layers with a KV cache. */
  readonly attention: number;
  /** Layers that keep a state in place of a KV cache, or beside it. */
  readonly recurrent: number;
  /** Layers that only draft (MTP); they are in no other number. */
  readonly drafting: number;
}

const DRAFTING = /^nextn\./;
const RECURRENT = /^(ssm_|shortconv\.|time_mix_)/;
/** Keys and queries on their own, or compressed. Delta net has a fused `attn_qkv` too, beside its `ssm_` tensors. */
const ATTENTION = /^attn_(q|k|q_a|kv_a_mqa)\./;
const FUSED = /^attn_qkv\./;

/** Returns the numbers of layers by kind, which the names of the file's tensors tell. */
export function layerKindsOf({
  tensors,
}: {
  readonly tensors: readonly Pick<TensorInfo, 'name'>[];
}): LayerKinds {
  const layers = new Map<string, string[]>();
  for (const { name } of tensors) {
    const [, layer, tensor] = /^blk\.(\d+)\.(.+)$/.exec(name) ?? [];
    if (layer !== undefined) layers.set(layer, [...(layers.get(layer) ?? []), tensor!]);
  }
  const kinds = { attention: 0, recurrent: 0, drafting: 0 };
  for (const names of layers.values()) {
    const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
    if (has(DRAFTING)) kinds.drafting++;
    else {
      if (has(RECURRENT)) kinds.recurrent++;
      if (has(ATTENTION) || (has(FUSED) && !has(RECURRENT))) kinds.attention++;
    }
  }
  return kinds;
}
