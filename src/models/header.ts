import { open, stat } from 'node:fs/promises';
import { type GgufFileInfo, readGgufFileInfo } from 'node-llama-cpp';
import { ModelFileError } from '../errors.js';

/** What a GGUF file says of itself, read without loading its weights. */
export interface ModelHeader {
  readonly path: string;
  readonly architecture: string;
  readonly trainContextSize: number; // tokens the model was trained on at once
  readonly vocabulary: Vocabulary;
  /** What its makers want said beside every figure taken with it; metadata `mtad.caveat`. */
  readonly caveat: string | undefined;
  /** Whether it says how the model wants to be talked to. */
  readonly hasChatTemplate: boolean;
  readonly bytes: number; // of the file; of a split model, the first part
}

/** What decides whether the tokens of two models mean the same. */
export interface Vocabulary {
  readonly tokens: readonly string[]; // text of each token
  readonly bos: number | undefined;
  readonly eos: number | undefined;
}

/** Not read: they are long, and nothing here asks for them. */
const IGNORED_KEYS = ['tokenizer.ggml.merges', 'tokenizer.ggml.scores', 'tokenizer.ggml.token_type'];

/** Architectures that read text or other things, but do not write text token by token. */
const NOT_GENERATIVE =
  /bert|embed|encoder|^(clip|t5|wavtokenizer-dec|dream|llada|llada-moe|rnd1|eagle3|dflash|gemma4-assistant)$/;

/** @throws ModelFileError when the file is not a complete model that can generate text */
export async function readHeader(path: string): Promise<ModelHeader> {
  const fileBytes = await refuseOtherFiles(path);
  let info: GgufFileInfo;
  try {
    info = await readGgufFileInfo(path, {
      sourceType: 'filesystem',
      ignoreKeys: IGNORED_KEYS,
      logWarnings: false,
    });
  } catch (cause) {
    throw new ModelFileError(
      `${path} begins like a GGUF file, but its header is damaged or cut off; download it again`,
      {
        cause,
      },
    );
  }
  refuseCutOff(info, path, fileBytes);
  refuseOtherModels(info, path);
  refuseImpossible(info, path);
  const { tokenizer, general } = info.metadata;
  const { mtad } = info.metadata as { mtad?: { caveat?: string } };
  return {
    path,
    bytes: fileBytes,
    caveat: mtad?.caveat,
    architecture: general.architecture,
    trainContextSize: Number(info.architectureMetadata.context_length ?? 0),
    hasChatTemplate: !!tokenizer.chat_template?.trim(),
    vocabulary: {
      tokens: tokenizer.ggml.tokens as readonly string[],
      bos: tokenizer.ggml.bos_token_id,
      eos: tokenizer.ggml.eos_token_id,
    },
  };
}

/** @returns the size of the file in bytes */
async function refuseOtherFiles(path: string): Promise<number> {
  const facts = await stat(path).catch((cause) => {
    throw new ModelFileError(`Cannot read ${path}: ${(cause as Error).message}`, { cause });
  });
  if (facts.isDirectory())
    throw new ModelFileError(`${path} is a folder; give the path of a GGUF file in it`);
  if (facts.size === 0) throw new ModelFileError(`${path} is empty; download it again`);

  const file = await open(path).catch((cause) => {
    throw new ModelFileError(`Cannot read ${path}: ${(cause as Error).message}`, { cause });
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.toString('latin1', 0, bytesRead) !== 'GGUF')
      throw new ModelFileError(
        `${path} is not a GGUF file: it begins with ${JSON.stringify(buffer.toString('latin1', 0, bytesRead))}, not "GGUF"`,
      );
  } finally {
    await file.close();
  }
  return facts.size;
}

/** The library reads zeros where a file has ended. Split models are left to llama.cpp, which opens every part. */
function refuseCutOff(
  { infoEndOffset, tensorInfo, splicedParts }: GgufFileInfo,
  path: string,
  fileBytes: number,
): void {
  const starts = tensorInfo?.map(({ fileOffset }) => Number(fileOffset)) ?? [];
  const needed = Math.max(infoEndOffset ?? 0, ...starts);
  if (splicedParts === 1 && needed > fileBytes)
    throw new ModelFileError(
      `${path} is cut off: it has ${fileBytes} bytes and its header tells of at least ${needed}; download it again`,
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
  if (NOT_GENERATIVE.test(general.architecture) || attention?.causal === false || pooling > 0)
    throw new ModelFileError(
      `${path} is an embedding or encoder model (${general.architecture}); it cannot generate text`,
    );
  if (!Array.isArray(tokenizer?.ggml?.tokens))
    throw new ModelFileError(`${path} holds no vocabulary; use a model file with a tokenizer`);
}

/** Layers that llama.cpp counts (LLAMA_MAX_LAYERS). */
const MAX_LAYERS = 512;

/** Metadata over which llama.cpp ends the process instead of refusing it; a damaged file may have any. */
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
