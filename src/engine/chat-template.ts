import {
  type ChatHistoryItem,
  type ChatWrapper,
  type LlamaModel,
  LlamaText,
  resolveChatWrapper,
  SpecialTokensText,
} from 'node-llama-cpp';
import type { TokenId } from '../types.js';
import type { ChatMessage, ChatTemplate, ReasoningMarks } from './engine.js';
import { withLeadingToken } from './tokenizer.js';

/** Stands for an answer whose place in the conversation is looked for: nothing a template would change. */
const PLACE = 'f0d1c2b3a4958677';

/** The template in a model's file, as node-llama-cpp applies it; undefined where the file has none. */
export function llamaChatTemplate(model: LlamaModel): ChatTemplate | undefined {
  const template = model.fileInfo.metadata.tokenizer?.chat_template;
  if (template === undefined || template.trim() === '') return undefined;
  const wrapper = wrapperFor(model);
  const thought = wrapper.settings.segments?.thought;
  const reasoning = thought ? marksOf(thought) : marksInVocabulary(model);
  const opening = reasoning?.isOpen && isText(thought?.prefix) ? LlamaText(thought.prefix) : LlamaText();

  const begin = (tokens: TokenId[]) =>
    beginsWithBos(model, template) ? withLeadingToken(model, tokens) : withoutLeadingToken(model, tokens);
  const render = (messages: readonly ChatMessage[]) => {
    const chatHistory: ChatHistoryItem[] = [...messages.map(historyItem), { type: 'model', response: [] }];
    const { contextText, stopGenerationTriggers } = wrapper.generateContextState({ chatHistory });
    return { text: LlamaText([contextText, opening]), triggers: stopGenerationTriggers };
  };
  const { triggers } = render([{ role: 'user', content: 'Hello' }]);
  const ends = triggers.map((trigger) => ({
    trigger,
    tokens: trigger.tokenize(model.tokenizer, 'trimLeadingSpace'),
  }));
  return {
    name: wrapper.wrapperName,
    reasoning,
    endTokens: new Set<TokenId>(ends.flatMap(({ tokens }) => (tokens.length === 1 ? tokens : []))),
    endTexts: ends.filter(({ tokens }) => tokens.length > 1).map(({ trigger }) => trigger.toString()),
    encode: (messages) => begin(render(messages).text.tokenize(model.tokenizer)),
    encodeAfterAnswer(messages) {
      const last = messages.findLastIndex(({ role }) => role === 'assistant');
      const marked = messages.map((message, i) => (i === last ? { ...message, content: PLACE } : message));
      return after(render(marked).text, PLACE).tokenize(model.tokenizer, 'trimLeadingSpace');
    },
  };
}

/** The same, worked out when it is first asked for: node-llama-cpp tries its wrappers, which takes up to two seconds. */
export function lazyChatTemplate(model: LlamaModel): () => ChatTemplate | undefined {
  let found: { readonly template: ChatTemplate | undefined } | undefined;
  return () => {
    found ??= { template: llamaChatTemplate(model) };
    return found.template;
  };
}

/** node-llama-cpp begins most conversations with the BOS token, also for models such as Qwen that never saw one there. */
function beginsWithBos(
  { tokens: { shouldPrependBosToken, bosString } }: LlamaModel,
  template: string,
): boolean {
  return (
    shouldPrependBosToken || template.includes('bos_token') || (!!bosString && template.includes(bosString))
  );
}

function withoutLeadingToken({ tokens: { bos } }: LlamaModel, tokens: TokenId[]): TokenId[] {
  return bos !== null && tokens[0] === bos ? tokens.slice(1) : tokens;
}

/** The library says aloud what it cannot read in a template, and then guesses; here it guesses at once. */
function wrapperFor(model: LlamaModel): ChatWrapper {
  try {
    return resolveChatWrapper(model, { warningLogs: false, fallbackToOtherWrappersOnJinjaError: false });
  } catch {
    return resolveChatWrapper(model, { warningLogs: false, noJinja: true });
  }
}

function historyItem({ role, content }: ChatMessage): ChatHistoryItem {
  if (role === 'assistant') return { type: 'model', response: [content] };
  return { type: role, text: content };
}

type Thought = NonNullable<NonNullable<ChatWrapper['settings']['segments']>['thought']>;

function marksOf({
  prefix,
  suffix = THINK.end,
  openOnResponseStart = false,
}: Thought): ReasoningMarks | undefined {
  const end = LlamaText(suffix).toString().trim();
  if (!isText(prefix)) return { ...THINK, end, isOpen: true };
  const start = LlamaText(prefix).toString().trim();
  return start === '' || end === '' ? undefined : { start, end, isOpen: openOnResponseStart };
}

/** What nearly all thinking models write. */
const THINK: ReasoningMarks = { start: '<think>', end: '</think>', isOpen: false };

/** A template that says nothing of reasoning may belong to a model that was taught to begin with it all the same. */
function marksInVocabulary(model: LlamaModel): ReasoningMarks | undefined {
  const isToken = (text: string) => model.tokenize(text, true, 'trimLeadingSpace').length === 1;
  return isToken(THINK.start) && isToken(THINK.end) ? THINK : undefined;
}

/** As opposed to the statement that the template opens the section itself. */
function isText(prefix: Thought['prefix'] | undefined): prefix is string | LlamaText {
  return typeof prefix === 'string' || LlamaText.isLlamaText(prefix);
}

/** What comes behind these words. */
function after(text: LlamaText, words: string): LlamaText {
  const index = text.values.findLastIndex((value) => value.toString().includes(words));
  if (index === -1) throw new Error('The chat template leaves out what the assistant said');
  const value = text.values[index]!;
  const rest = value.toString().slice(value.toString().indexOf(words) + words.length);
  const restAs = value instanceof SpecialTokensText ? new SpecialTokensText(rest) : rest;
  return LlamaText([restAs, ...text.values.slice(index + 1)]);
}
