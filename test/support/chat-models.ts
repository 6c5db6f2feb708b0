/** The embedded pair with a chat template: story models that take part in a conversation without understanding it. */
import { join } from 'node:path';
import { readGguf } from '../../scripts/gguf-reader.js';
import { type Metadata, writeGguf } from '../../scripts/gguf-writer.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';

/** ChatML, the template of Qwen, SmolLM2 and others. */
export const CHATML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** ChatML with what the model reasoned before the last answer, in the manner of Qwen 3. */
export const REASONING_CHATML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n'}}" +
  "{% if loop.last and message['reasoning_content'] %}{{'<think>\\n' + message['reasoning_content'] + '\\n</think>\\n\\n'}}{% endif %}" +
  "{{ message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** ChatML whose answers begin with reasoning, in the manner of DeepSeek R1. */
export const OPENING_CHATML = REASONING_CHATML.replace(/(?<=assistant\\n)(?=' }}{% endif %}$)/, '<think>\\n');

const CONTROL = 3; // llama_token_type
const USER_DEFINED = 4;

/** The model's own end token under another name; bytes that no text has as special tokens. */
const CHATML_TOKENS = { 2: '<|im_end|>', 258: '<|im_start|>', 257: '<think>', 256: '</think>' };

export interface ChatModelOptions {
  readonly template?: string;
  /** Names of tokens by their ids, besides those of ChatML: special ones. */
  readonly tokens?: Readonly<Record<number, string>>;
}

/** Both models with the same template, in `dir`. */
export async function chatPair(dir: string, options: ChatModelOptions = {}) {
  const [model, draft] = await Promise.all([
    chatModel(EMBEDDED_PAIR.model, join(dir, 'chat-target.gguf'), options),
    chatModel(EMBEDDED_PAIR.draft, join(dir, 'chat-draft.gguf'), options),
  ]);
  return { model, draft };
}

async function chatModel(source: string, path: string, { template = CHATML, tokens = {} }: ChatModelOptions) {
  const { metadata, tensors } = await readGguf(source);
  await writeGguf(path, {
    metadata: {
      ...metadata,
      ...renamed(metadata, { ...CHATML_TOKENS, ...tokens }),
      'tokenizer.chat_template': { string: template },
    },
    tensors: tensors.map((tensor) => ({ ...tensor, data: () => [tensor.bytes] })),
  });
  return path;
}

function renamed(metadata: Metadata, names: Readonly<Record<number, string>>): Metadata {
  const { strings } = metadata['tokenizer.ggml.tokens'] as { strings: readonly string[] };
  const { i32s } = metadata['tokenizer.ggml.token_type'] as { i32s: Int32Array };
  const [texts, types] = [[...strings], Int32Array.from(i32s)];
  for (const [id, name] of Object.entries(names)) {
    texts[Number(id)] = name;
    types[Number(id)] = name.startsWith('<|') ? CONTROL : USER_DEFINED;
  }
  return { 'tokenizer.ggml.tokens': { strings: texts }, 'tokenizer.ggml.token_type': { i32s: types } };
}
