import type { TokenId } from '../../types.js';
import type { TemplateEntries } from '../llama/template-origin.js';
import { type TokenAttributes, VOCABULARY_KINDS, type Vocabulary } from '../llama/vocabulary.js';
import type { Pointer } from './declare.js';
import type { Library } from './library.js';

/** Bits of llama.cpp's attributes of a token (enum llama_token_attr). */
const ATTRIBUTES = { unknown: 1, normal: 4, control: 8, userDefined: 16, byte: 32, lstrip: 128, rstrip: 256 };

/** Room for tokens beyond one for each byte of a text. Where that is not enough, the text is read once more. */
const SPARE = 8;

/** @param model throws where the model is gone; llama.cpp would read freed memory */
export function directVocabulary({ native: c }: Library, model: () => Pointer): Vocabulary {
  const pointer: Pointer = c.llama_model_get_vocab!(model());
  const vocabulary = (): Pointer => {
    model();
    return pointer;
  };
  const size: number = c.llama_vocab_n_tokens!(vocabulary());
  const bitsOf = (token: TokenId): number => c.llama_vocab_get_attr!(vocabulary(), token);
  const isSign = (token: TokenId) =>
    token >= 0 && (bitsOf(token) === 0 || attributesOf(bitsOf(token)).control);
  const bos: TokenId = c.llama_vocab_bos!(vocabulary());
  const [eos, eot]: TokenId[] = [c.llama_vocab_eos!(vocabulary()), c.llama_vocab_eot!(vocabulary())];
  const hasText = (token: TokenId) =>
    token >= 0 && bitsOf(token) !== 0 && !attributesOf(bitsOf(token)).unknown;
  const ends = [...(isSign(eos!) ? [eos!] : []), ...(hasText(eot!) ? [eot!] : [])];
  let names: readonly string[] | undefined;
  return {
    kind: VOCABULARY_KINDS[c.llama_vocab_type!(vocabulary()) as number] ?? 'none',
    isByteLevel: metadataOf(c, model(), 'tokenizer.ggml.model') === 'gpt2',
    size,
    get names() {
      names ??= Array.from({ length: size }, (_, token) =>
        nameOf(c.llama_vocab_get_text!(vocabulary(), token), token),
      );
      return names;
    },
    leading: isSign(bos) && c.llama_vocab_get_add_bos!(vocabulary()) ? bos : undefined,
    ends,
    tokenize(text, special) {
      const bytes = Buffer.from(text);
      const write = (into: Int32Array): number =>
        c.llama_tokenize!(vocabulary(), bytes, bytes.length, into, into.length, false, special);
      return [...filled((length) => new Int32Array(length), bytes.length + SPARE, write)];
    },
    detokenize(tokens, special) {
      const ids = Int32Array.from(tokens);
      const write = (into: Buffer): number =>
        c.llama_detokenize!(vocabulary(), ids, ids.length, into, into.length, false, special);
      return filled((length) => Buffer.alloc(length), 16 * ids.length, write).toString();
    },
    attributesOf: (token) => attributesOf(bitsOf(token)),
    isEndOfGeneration: (token) => ends.includes(token) || c.llama_vocab_is_eog!(vocabulary(), token),
  };
}

/** @returns what `write` writes, which gives the length, or less than 0 where so much more room is needed in all */
function filled<Room extends Int32Array | Buffer>(
  create: (length: number) => Room,
  likely: number,
  write: (into: Room) => number,
): Room {
  const room = create(likely);
  const length = write(room);
  if (length >= 0) return room.subarray(0, length) as Room;
  const enough = create(-length);
  return enough.subarray(0, write(enough)) as Room;
}

/** Every combination that was seen: a vocabulary has a handful. */
const combinations = new Map<number, TokenAttributes>();

function attributesOf(bits: number): TokenAttributes {
  const known = combinations.get(bits);
  if (known) return known;
  const attributes = Object.fromEntries(
    Object.entries(ATTRIBUTES).map(([name, bit]) => [name, (bits & bit) !== 0]),
  ) as unknown as TokenAttributes;
  combinations.set(bits, attributes);
  return attributes;
}

/** llama.cpp names tokens without a name. */
function nameOf(name: string, token: TokenId): string {
  return name === `[EMPTY_${token}]` ? '' : name;
}

export function directTemplateEntries(
  { native }: Library,
  model: Pointer,
  { names }: Vocabulary,
): TemplateEntries {
  const text = (key: string) => metadataOf(native, model, `tokenizer.${key}`);
  const id = (key: string) => {
    const digits = text(`ggml.${key}_token_id`);
    return digits === undefined ? undefined : Number(digits);
  };
  return {
    template: text('chat_template'),
    tokenizer: text('ggml.model'),
    names,
    bos: id('bos'),
    eos: id('eos'),
  };
}

/** @returns an entry of a model's file as text; undefined: the file lacks it, or it is a list */
export function metadataOf(c: Library['native'], model: Pointer, key: string): string | undefined {
  const length: number = c.llama_model_meta_val_str!(model, key, Buffer.alloc(1), 1);
  if (length < 0) return undefined;
  const value = Buffer.alloc(length + 1);
  c.llama_model_meta_val_str!(model, key, value, value.length);
  return value.toString('utf8', 0, length);
}
