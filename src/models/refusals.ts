import type { GgufFileInfo } from 'node-llama-cpp';
import { ModelFileError } from '../errors.js';
import type { GgufFile } from './gguf-file.js';

/**
 * @param weights bytes of all tensors; 0: unknown
 * @throws ModelFileError when the file is not a complete model that can generate text, as far as its header tells
 */
export function refuseUnfit(file: GgufFile, weights = 0): void {
  refuseCutOff(file, weights);
  refuseOtherModels(file.info, file.source);
  refuseImpossible(file.info, file.source);
}

/** Architectures that do not generate text token by token. */
const NOT_GENERATIVE = /bert|embed|encoder|^(clip|t5|wavtokenizer-dec|dream|llada|llada-moe|rnd1)$/;

/** Drafting heads in files of their own, each made for one target, of which it needs the hidden states. */
const HEAD_ALONE: ReadonlySet<string> = new Set(['eagle3', 'dflash', 'gemma4-assistant']);

/** Architectures that keep a state which nobody could show to be right after a rejected draft. */
const NOT_TAKEN_BACK: ReadonlySet<string> = new Set(['deepseek4']);

const RWKV = /rwkv/;
/** ggml works off so many numbers of an RWKV head at once: of smaller heads it reads what lies behind (rwkv7, processor), or it ends the process (CUDA). */
const RWKV_HEAD = 64;

/** @returns the least length of a file in bytes: its header and weights, or everything before its last tensor */
function leastBytes({ info }: GgufFile, weights: number): number {
  const starts = info.tensorInfo?.map(({ fileOffset }) => Number(fileOffset)) ?? [];
  return Math.max((info.infoEndOffset ?? 0) + weights, ...starts);
}

/** The library reads zeros behind the end of a file. llama.cpp checks split models itself: it opens every part. */
function refuseCutOff(file: GgufFile, weights: number): void {
  const needed = leastBytes(file, weights);
  const { source, partBytes, info } = file;
  const [bytes] = partBytes;
  if (info.splicedParts === 1 && bytes !== undefined && needed > bytes)
    throw new ModelFileError(
      `${source} is cut off: it has ${bytes} bytes and its header tells of at least ${needed}; download it again`,
    );
}

function refuseOtherModels(
  { metadata, architectureMetadata, fullTensorInfo }: GgufFileInfo,
  path: string,
): void {
  const { general, tokenizer } = metadata;
  const kind = (general as { type?: string }).type ?? 'model';
  if (kind !== 'model') throw new ModelFileError(`${path} holds a GGUF ${kind}, not a model`);
  if (!fullTensorInfo?.length)
    throw new ModelFileError(`${path} holds no weights, only a vocabulary; use the full model file`);
  const attention = architectureMetadata.attention as { causal?: boolean } | undefined;
  const pooling = (architectureMetadata as { pooling_type?: number }).pooling_type ?? 0;
  if (HEAD_ALONE.has(general.architecture))
    throw new ModelFileError(
      `${path} is a drafting head in a file of its own (${general.architecture}), which mtad cannot run so far; use a draft model, \`draftFrom\` lookup, or a target whose head is in its own file`,
    );
  if (NOT_GENERATIVE.test(general.architecture) || attention?.causal === false || pooling > 0)
    throw new ModelFileError(
      `${path} is an embedding or encoder model (${general.architecture}); it cannot generate text`,
    );
  if (NOT_TAKEN_BACK.has(general.architecture))
    throw new ModelFileError(
      `${path} is a ${general.architecture} model; its text would be wrong after a rejected draft, as far as was tried. Use a model of another kind`,
    );
  const headSize = Number(
    (architectureMetadata as { wkv?: { head_size?: number } }).wkv?.head_size ?? RWKV_HEAD,
  );
  if (RWKV.test(general.architecture) && headSize % RWKV_HEAD !== 0)
    throw new ModelFileError(
      `${path} has RWKV heads of ${headSize} numbers, and llama.cpp computes rightly with multiples of ${RWKV_HEAD} alone; use another model`,
    );
  if (!Array.isArray(tokenizer?.ggml?.tokens))
    throw new ModelFileError(`${path} holds no vocabulary; use a model file with a tokenizer`);
}

/** The most layers of a model (llama.cpp's LLAMA_MAX_LAYERS). */
const MAX_LAYERS = 512;

/** Refuses metadata over which llama.cpp would end the process. A damaged file may hold any. */
function refuseImpossible({ metadata, architectureMetadata }: GgufFileInfo, path: string): void {
  const layers = Number(architectureMetadata.block_count);
  if (!(layers >= 1 && layers <= MAX_LAYERS))
    throw new ModelFileError(
      `${path} tells of ${layers} layers, not of 1 to ${MAX_LAYERS}: it is damaged; download it again`,
    );
  const tokens = metadata.tokenizer.ggml.tokens as readonly string[];
  const known = new Map<string, number>();
  for (const [token, text] of tokens.entries()) {
    if (text === '') continue; // llama.cpp gives each a name of its own
    const other = known.get(text);
    if (other !== undefined)
      throw new ModelFileError(
        `${path} has tokens ${other} and ${token} with the same text, ${JSON.stringify(text)}: it is damaged; download it again`,
      );
    known.set(text, token);
  }
  if (tokens.length === 0) throw new ModelFileError(`${path} holds an empty vocabulary; download it again`);
}
