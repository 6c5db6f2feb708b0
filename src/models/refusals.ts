import { ModelFileError } from '../errors.js';
import { type GgufFile, unfit } from './gguf-file.js';
import { headLayersOf } from './heads.js';
import { brokenRule } from './loading-rules.js';

/** @throws ModelFileError when the file is not a complete model that can generate text, as far as its header tells */
export function refuseUnfit(file: GgufFile): void {
  refuseCutOff(file);
  refuseOtherModels(file);
  const broken = brokenRule(file);
  if (broken !== undefined) throw unfit(file.source, broken);
}

/** Architectures that do not generate text token by token. */
const NOT_GENERATIVE = /bert|embed|encoder|^(clip|t5|wavtokenizer-dec|dream|llada|llada-moe|rnd1)$/;

/** Drafting heads in files of their own, each made for one target: what they are, and what they need of it. */
const HEADS_ALONE: ReadonlyMap<string, string> = new Map([
  ['eagle3', 'an EAGLE-3 head, which works from three layers of its target'],
  ['dflash', 'a DFlash head, which works from layers of its target'],
  ['gemma4-assistant', "Gemma 4's assistant, which works in the KV cache of its target"],
]);

/** Architectures that keep a state which nobody could show to be right after a rejected draft. */
const NOT_TAKEN_BACK: ReadonlySet<string> = new Set(['deepseek4']);

const RWKV = /rwkv/;
/** ggml works off so many numbers of an RWKV head at once: of smaller heads it reads what lies behind (rwkv7, processor), or it ends the process (CUDA). */
const RWKV_HEAD = 64;

function refuseCutOff({ source, parts }: GgufFile): void {
  for (const { path = source, header, bytes } of parts)
    if (bytes !== undefined && header.least > bytes)
      throw new ModelFileError(
        `${path} is cut off: it has ${bytes} bytes and its header tells of at least ${header.least}; download it again`,
      );
}

/** The kind of pooling in files that llama.cpp saves, as after fine-tuning: its -1, without a sign. */
const UNSAID = 2 ** 32 - 1;

function refuseOtherModels({ metadata, tensors, source: path }: GgufFile): void {
  const { architecture } = metadata;
  const kind = metadata.text('general.type') ?? 'model';
  if (kind !== 'model') throw new ModelFileError(`${path} holds a GGUF ${JSON.stringify(kind)}, not a model`);
  if (tensors.length === 0)
    throw new ModelFileError(`${path} holds no weights, only a vocabulary; use the full model file`);
  const head = HEADS_ALONE.get(architecture);
  if (head !== undefined)
    throw new ModelFileError(
      `${path} is ${head}, and mtad runs heads in the target's own file alone; use a draft model, \`draftFrom\` lookup, or a target with such a head`,
    );
  if (
    headLayersOf({ metadata, tensors }) > 0 &&
    !tensors.some(({ name }) => name === 'blk.0.attn_norm.weight')
  )
    throw new ModelFileError(
      `${path} holds the drafting head of a model and not the model; use the file that has both`,
    );
  const isCausal = metadata.flag(metadata.own('attention.causal')) ?? true;
  const pooling = metadata.number(metadata.own('pooling_type')) ?? 0;
  const isPooled = pooling > 0 && pooling !== UNSAID;
  if (NOT_GENERATIVE.test(architecture) || !isCausal || isPooled)
    throw new ModelFileError(
      `${path} is an embedding or encoder model (${architecture}); it cannot generate text`,
    );
  if (NOT_TAKEN_BACK.has(architecture))
    throw new ModelFileError(
      `${path} is a ${architecture} model; its text would be wrong after a rejected draft, as far as was tried. Use a model of another kind`,
    );
  const headSize = metadata.number(metadata.own('wkv.head_size')) ?? RWKV_HEAD;
  if (RWKV.test(architecture) && headSize % RWKV_HEAD !== 0)
    throw new ModelFileError(
      `${path} has RWKV heads of ${headSize} numbers, and llama.cpp computes rightly with multiples of ${RWKV_HEAD} alone; use another model`,
    );
  if (!metadata.texts('tokenizer.ggml.tokens'))
    throw new ModelFileError(`${path} holds no vocabulary; use a model file with a tokenizer`);
}
