import { UsageError } from '../errors.js';
import { KNOWN_TEMPLATES, templateNamed } from './known-templates.js';
import { type ChatMessage, withoutSystem } from './messages.js';
import { type ReasoningMarks, reasoningMarks } from './reasoning-marks.js';
import { render, TemplateError } from './render.js';

/** Whether a model reasons before it answers. 'auto' = as llama.cpp has it: enable_thinking is on, for templates that ask. */
export type Think = 'auto' | 'on' | 'off';

/** Which template messages are put into, and how. */
export interface TemplateChoice {
  /** The name of a known one, or its text in Jinja; undefined = the model's own. */
  readonly chatTemplate?: string | undefined;
  /** Undefined = 'auto' */
  readonly think?: Think | undefined;
}

/** What a model's file says. */
export interface TemplateOrigin {
  /** Whose, for messages. */
  readonly model: string;
  /** Its template. */
  readonly own: string | undefined;
  /** Names of its tokens, '' where it has none. */
  readonly bos: string;
  readonly eos: string;
}

/** A template that can be rendered, and what was seen when it was tried. */
export interface OpenTemplate {
  /** 'own', the name of a known one, or 'given'. */
  readonly name: string;
  readonly reasoning: ReasoningMarks | undefined;
  /** Whether reasoning can be switched on and off: without, `think` changes nothing. */
  readonly hasSwitch: boolean;
  /** Whether it has a place for a system message. Without one, that stands before the first question. */
  readonly takesSystem: boolean;
  /** What it writes behind an answer, else before the next question; '' where neither can be told. */
  readonly afterAnswer: string;
  /**
   * The whole conversation, up to where the next answer begins.
   * @throws UsageError where the template cannot be rendered with it
   */
  render(messages: readonly ChatMessage[]): Promise<string>;
}

/** Stand for what is said, where its place is looked for: words that no template would change. */
const PLACES = { system: 'f0d1c2b3a4958677', answer: 'e1d2c3b4a5968778', next: 'd2e3f4a5b6c7d8e9' };

/** Characters of what is no template, in a message. */
const QUOTED = 40;

const HELLO: ChatMessage = { role: 'user', content: 'Hello' };

/** As templates call the switch. llama.cpp tells every template enable_thinking, and nothing of the other. */
const SWITCH = {
  auto: { enable_thinking: true },
  on: { enable_thinking: true, thinking: true },
  off: { enable_thinking: false, thinking: false },
} satisfies Record<Think, object>;

/**
 * Tries a template: nothing of a model is needed but what its file says.
 * @returns undefined where there is none
 * @throws UsageError for one that cannot be rendered
 */
export async function openTemplate(
  origin: TemplateOrigin,
  { chatTemplate, think = 'auto' }: TemplateChoice = {},
): Promise<OpenTemplate | undefined> {
  const template = chatTemplate === undefined ? origin.own : templateNamed(chatTemplate);
  if (template === undefined && chatTemplate !== undefined) throw unknownTemplate(chatTemplate);
  if (template === undefined) return undefined;
  const whose =
    chatTemplate === undefined ? `the chat template of ${origin.model}` : 'the chat template given';
  const names = { bos_token: origin.bos, eos_token: origin.eos };
  const write = (messages: readonly ChatMessage[], mode: Think, isAnswerNext = true) =>
    renderMessages(template, messages, {
      ...SWITCH[mode],
      ...names,
      add_generation_prompt: isAnswerNext,
    });
  const refuse = (error: unknown) => {
    if (!(error instanceof TemplateError)) throw error;
    throw new UsageError(
      `${whose} cannot be rendered: ${error.message}; use a known one (\`chatTemplate\` ${[...KNOWN_TEMPLATES.keys()].join(', ')}), ` +
        'your own (its text as `chatTemplate`), or none (`raw`)',
      { cause: error },
    );
  };

  const prompt = await write([HELLO], think).catch(refuse);
  const hasSwitch = (await attempt(write([HELLO], 'on'))) !== (await attempt(write([HELLO], 'off')));
  const system = await attempt(write([{ role: 'system', content: PLACES.system }, HELLO], think));
  const takesSystem = system?.includes(PLACES.system) ?? false;
  const answered: ChatMessage[] = [HELLO, { role: 'assistant', content: PLACES.answer }];
  const ended = await attempt(write(answered, think, false));
  const asked = await attempt(write([...answered, { role: 'user', content: PLACES.next }], think));
  return {
    name: nameOf(chatTemplate),
    reasoning: reasoningMarks(template, prompt),
    hasSwitch,
    takesSystem,
    afterAnswer:
      [behind(ended, PLACES.answer), behind(asked, PLACES.answer).split(PLACES.next)[0]!]
        .map((text) => text.trimEnd())
        .find((text) => text !== '') ?? '',
    render: (messages) => write(takesSystem ? messages : withoutSystem(messages), think).catch(refuse),
  };
}

function nameOf(chatTemplate: string | undefined): string {
  if (chatTemplate === undefined) return 'own';
  return KNOWN_TEMPLATES.has(chatTemplate) ? chatTemplate : 'given';
}

function unknownTemplate(chatTemplate: string): UsageError {
  return new UsageError(
    `${JSON.stringify(chatTemplate.slice(0, QUOTED))} is no chat template: a known one is ${[...KNOWN_TEMPLATES.keys()].join(', ')}, and one in Jinja has {{ or {% in it`,
  );
}

/** Some templates, those for tools, want to be told that there are none. */
async function renderMessages(
  template: string,
  messages: readonly ChatMessage[],
  variables: object,
): Promise<string> {
  const told = { messages: messages.map(messageFor), ...variables };
  try {
    return await render(template, told);
  } catch (error) {
    if (!(error instanceof TemplateError) || error.isBound) throw error;
    const text = await attempt(render(template, { ...told, tools: [] }));
    if (text === undefined) throw error;
    return text;
  }
}

/** Under the names that templates know. */
function messageFor({ role, content, reasoning }: ChatMessage): object {
  return reasoning === undefined
    ? { role, content }
    : { role, content, reasoning_content: reasoning, thinking: reasoning };
}

async function attempt(text: Promise<string>): Promise<string | undefined> {
  return text.catch((error: unknown) => {
    if (error instanceof TemplateError) return undefined;
    throw error;
  });
}

/** What follows these words; '' where they are not there. */
function behind(text: string | undefined, words: string): string {
  const place = text?.lastIndexOf(words) ?? -1;
  return place === -1 ? '' : text!.slice(place + words.length);
}
