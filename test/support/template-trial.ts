/** Chat templates as they were published, rendered here and by @huggingface/jinja alone. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { withBundledFiles } from '../../scripts/llama-bundle.js';
import type { OpenVocabulary } from '../../scripts/open-vocabulary.js';
import { chatTemplates } from '../../src/engine/llama/chat-template.js';
import { withLeadingToken } from '../../src/engine/llama/tokenizer.js';
import type { Vocabulary } from '../../src/engine/llama/vocabulary.js';
import { type ChatMessage, withoutSystem } from '../../src/templates/messages.js';
import type { TemplateOrigin, Think } from '../../src/templates/open-template.js';
import { tries } from './tries.js';

/** That of SmolLM2 Instruct, which a known pair names and llama.cpp does not bring along. */
const SMOLLM2 =
  "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\\n' }}{% endif %}" +
  "{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** Those in llama.cpp's source, and SmolLM2's, by name. */
export async function publishedTemplates(): Promise<ReadonlyMap<string, string>> {
  return withBundledFiles(['models/templates/*.jinja'], async (folder) => {
    const dir = join(folder, 'models/templates');
    const names = (await readdir(dir)).sort();
    const texts = await Promise.all(names.map((name) => readFile(join(dir, name), 'utf8')));
    const found = names.map((name, i) => [name.replace('.jinja', ''), texts[i]!] as const);
    return new Map([...found, ['SmolLM2', SMOLLM2]]);
  });
}

const SYSTEM: ChatMessage = { role: 'system', content: 'Be brief.\nAnswer in French.' };
const TURNS: readonly ChatMessage[] = [
  { role: 'user', content: 'Why is that so?\n\n  1 < 2 && {{ x }} {% y %} 🙂' },
  { role: 'assistant', content: '**Because** "it" is:\n```js\nlet a = `b`;\n```' },
  { role: 'user', content: "l'été, naïve, 日本語" },
  { role: 'assistant', content: 'Oui\tnon' },
  { role: 'user', content: '?' },
];

/** With 1, 2 and 5 messages, without and with a system message. */
export const CONVERSATIONS: readonly (readonly ChatMessage[])[] = [1, 2, 5].flatMap((count) => {
  const turns = TURNS.slice(0, count);
  return [turns, [SYSTEM, ...turns]];
});

export interface Trial {
  readonly equal: number;
  readonly refused: readonly string[]; // names, with reason
  readonly different: readonly string[];
  readonly sameTokens: number;
  readonly otherTokens: readonly string[];
}

/** @param model whose vocabulary is used */
export async function tryTemplates(
  templates: ReadonlyMap<string, string>,
  { vocabulary, template: origin }: OpenVocabulary,
): Promise<Trial> {
  const open = chatTemplates(vocabulary, () => origin);
  const refused: string[] = [];
  const different: string[] = [];
  const otherTokens: string[] = [];
  let [equal, sameTokens] = [0, 0];
  for (const [name, source] of templates) {
    const parsed = new Template(source);
    for (const think of ['auto', 'on', 'off'] as const) {
      const template = await open({ chatTemplate: source, think }).catch((error: Error) => error.message);
      if (!template || typeof template === 'string') {
        refused.push(`${name}: ${template}`);
        continue;
      }
      for (const [i, messages] of CONVERSATIONS.entries()) {
        if (think !== 'auto' && i < tries(CONVERSATIONS.length - 1, 0)) continue; // the longest has all of the others
        const where = `${name}, think ${think}, conversation ${i}`;
        const alone = renderedAlone(
          parsed,
          origin,
          template.takesSystem ? messages : withoutSystem(messages),
          think,
        );
        const ours = await template.encode(messages).catch((error: Error) => error);
        if (ours instanceof Error) {
          if (alone === undefined) refused.push(`${where}: ${ours.message}`);
          else different.push(`${where}: ${ours.message}`);
          continue;
        }
        if (ours.text === alone) equal++;
        else different.push(`${where}: ${JSON.stringify(ours.text)} / ${JSON.stringify(alone)}`);
        if (isEqual(ours.tokens, tokenized(vocabulary, ours.text))) sameTokens++;
        else otherTokens.push(where);
      }
    }
  }
  return { equal, refused, different, sameTokens, otherTokens };
}

/** What the library writes that is told all that a template may ask for. */
function renderedAlone(
  template: Template,
  { bos, eos }: TemplateOrigin,
  messages: readonly ChatMessage[],
  think: Think,
): string | undefined {
  const isOn = think !== 'off';
  const told = {
    messages,
    add_generation_prompt: true,
    bos_token: bos,
    eos_token: eos,
    enable_thinking: isOn,
    ...(think === 'auto' ? {} : { thinking: isOn }),
  };
  for (const more of [{}, { tools: [] }])
    try {
      return template.render({ ...told, ...more });
    } catch {}
  return undefined;
}

/** As llama.cpp reads the whole, names of control tokens and all: right where no message has one in it. */
function tokenized(vocabulary: Vocabulary, text: string): number[] {
  return withLeadingToken(vocabulary, vocabulary.tokenize(text, true));
}

function isEqual(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((token, i) => token === b[i]);
}
