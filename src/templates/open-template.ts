import { UsageError } from '../errors.js';
import { KNOWN_TEMPLATES, templateNamed } from './known-templates.js';
import { type ChatMessage, withoutSystem } from './messages.js';
import { type ReasoningMarks, reasoningMarks } from './reasoning-marks.js';
import { render, TemplateError } from './render.js';

/** Whether a model reasons before it answers. 'auto': as in llama.cpp, where enable_thinking is on for each template. */
export type Think = 'auto' | 'on' | 'off';

/** The choice of a chat template, and of reasoning. */
export interface TemplateChoice {
  /** The name of a known template, or a template in Jinja; undefined: the model's own. */
  readonly chatTemplate?: string | undefined;
  /** Undefined: 'auto'. */
  readonly think?: Think | undefined;
}

/** The chat template in a model's file, and the facts that it needs. */
export interface TemplateOrigin {
  /** The model's name in messages. */
  readonly model: string;
  /** The template in the file; undefined: there is none. */
  readonly own: string | undefined;
  /** Name of the begin token; '': there is none. */
  readonly bos: string;
  /** Name of the end token; '': there is none. */
  readonly eos: string;
}

/** A template that can be rendered, and the facts found by rendering it. */
export interface OpenTemplate {
  /** 'own' for the template in the model's file, 'given' for the user's, else the name of a known template. */
  readonly name: string;
  readonly reasoning: ReasoningMarks | undefined;
  /** Whether the template can switch reasoning on and off. If not, `think` changes nothing. */
  readonly hasSwitch: boolean;
  /** Whether the template has a place for a system message. If not, it is written before the first question. */
  readonly takesSystem: boolean;
  /** The text behind an answer, else the text before the next question; '': neither was found. */
  readonly afterAnswer: string;
  /**
   * @returns the text of the whole conversation, up to the place where the next answer begins
   * @throws UsageError where the template cannot be rendered with these messages
   */
  render(messages: readonly ChatMessage[]): Promise<string>;
}

/** Words that stand for messages when their places are looked for. No template changes them. */
const PLACES = { system: 'f0d1c2b3a4958677', answer: 'e1d2c3b4a5968778', next: 'd2e3f4a5b6c7d8e9' };

/** Characters of what is no template, in a message. */
const QUOTED = 40;

const HELLO: ChatMessage = { role: 'user', content: 'Hello' };

/** Names of the switch in templates. llama.cpp sets enable_thinking for every template, and never the other. */
const SWITCH = {
  auto: { enable_thinking: true },
  on: { enable_thinking: true, thinking: true },
  off: { enable_thinking: false, thinking: false },
} satisfies Record<Think, object>;

/**
 * Renders a template for trial. Only the facts from a model's file are needed.
 * @returns undefined where there is no template
 * @throws UsageError for a template that cannot be rendered
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

/** Templates for tools need to hear that there are none. */
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

/** @returns the messages under the names that templates know */
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

/** @returns the text behind these words; '' where they are missing */
function behind(text: string | undefined, words: string): string {
  const place = text?.lastIndexOf(words) ?? -1;
  return place === -1 ? '' : text!.slice(place + words.length);
}
