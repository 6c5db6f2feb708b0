import {
  type ChatHistoryItem,
  type ChatWrapper,
  type LlamaModel,
  LlamaText,
  resolveChatWrapper,
  SpecialTokensText,
} from 'node-llama-cpp';
import { UsageError } from '../errors.js';
import type { TokenId } from '../types.js';
import type { ChatMessage, ChatTemplate, ReasoningMarks } from './engine.js';
import { withLeadingToken } from './tokenizer.js';

/** Stands for an answer whose place in the conversation is looked for: nothing a template would change. */
const PLACE = 'f0d1c2b3a4958677';

/** Wrappers whose answers come in channels, each under a header of its own, which would be shown as text. */
const IN_CHANNELS = ['Harmony', 'Muse'];

/**
 * The template in a model's file, as node-llama-cpp applies it; undefined where the file has none.
 * @throws UsageError for one whose answers cannot be told apart from what is around them
 */
export function llamaChatTemplate(model: LlamaModel): ChatTemplate | undefined {
  const template = model.fileInfo.metadata.tokenizer?.chat_template;
  if (template === undefined || template.trim() === '') return undefined;
  const { wrapper, caveat } = wrapperFor(model);
  if (IN_CHANNELS.includes(wrapper.wrapperName))
    throw new UsageError(
      `${model.filename} answers in channels (${wrapper.wrapperName}), which mtad does not read; give it the prompt as it is: --raw`,
    );
  const context = (messages: readonly ChatMessage[]) =>
    wrapper.generateContextState({
      chatHistory: [...messages.map(historyItem), { type: 'model', response: [] }],
    });
  const { contextText, stopGenerationTriggers } = context([{ role: 'user', content: 'Hello' }]);
  const { thought } = wrapper.settings.segments ?? {};
  const marks = thought ? marksOf(thought) : marksInVocabulary(model);
  const isOpened = marks !== undefined && contextText.toString().trimEnd().endsWith(marks.start);
  const opening =
    marks?.isOpen && !isOpened && isText(thought?.prefix) ? LlamaText(thought.prefix) : LlamaText();

  const render = (messages: readonly ChatMessage[]) => LlamaText([context(messages).contextText, opening]);
  const begin = (tokens: TokenId[]) =>
    beginsWithBos(model, template) ? withLeadingToken(model, tokens) : withoutLeadingToken(model, tokens);
  return {
    name: wrapper.wrapperName,
    caveat,
    reasoning: marks && { ...marks, isOpen: marks.isOpen || isOpened },
    ...endsOf(model, stopGenerationTriggers, marks),
    encode: (messages) => begin(render(messages).tokenize(model.tokenizer)),
    encodeAfterAnswer(messages) {
      const last = messages.findLastIndex(({ role }) => role === 'assistant');
      const marked = messages.map((message, i) => (i === last ? { ...message, content: PLACE } : message));
      return after(render(marked), PLACE).tokenize(model.tokenizer, 'trimLeadingSpace');
    },
  };
}

/**
 * A token that a trigger begins with is the end already, if it is no text. What ends the reasoning ends no answer, nor
 * does blank space, which answers have in them.
 */
function endsOf(
  model: LlamaModel,
  triggers: readonly LlamaText[],
  marks: ReasoningMarks | undefined,
): Pick<ChatTemplate, 'endTokens' | 'endTexts'> {
  const endTokens = new Set<TokenId>();
  const endTexts: string[] = [];
  for (const trigger of triggers) {
    const text = trigger.toString();
    const isOfReasoning = marks !== undefined && text.trimStart().startsWith(marks.end);
    const own = isOfReasoning ? text.trimStart().slice(marks.end.length) : text;
    if (own.trim() === '') continue;
    const [first, ...rest] = isOfReasoning
      ? model.tokenize(own, true, 'trimLeadingSpace')
      : trigger.tokenize(model.tokenizer, 'trimLeadingSpace');
    if (rest.length === 0 || model.getTokenAttributes(first!).control) endTokens.add(first!);
    else endTexts.push(own);
  }
  return { endTokens, endTexts };
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

/** The library says aloud what it cannot read in a template, and then guesses; here the guess comes with the reason. */
function wrapperFor(model: LlamaModel): { wrapper: ChatWrapper; caveat: string | undefined } {
  try {
    const options = { warningLogs: false, fallbackToOtherWrappersOnJinjaError: false };
    return { wrapper: resolveChatWrapper(model, options), caveat: undefined };
  } catch (error) {
    const wrapper = resolveChatWrapper(model, { warningLogs: false, noJinja: true });
    const [reason] = (error as Error).message.split('\n');
    return {
      wrapper,
      caveat: `the chat template of ${model.filename} cannot be read (${reason}); "${wrapper.wrapperName}" is used instead`,
    };
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
