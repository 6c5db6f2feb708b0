import type { LlamaModel } from 'node-llama-cpp';
import type { ChatMessage } from '../../templates/messages.js';
import { type OpenTemplate, openTemplate, type TemplateChoice } from '../../templates/open-template.js';
import { type ReasoningMarks, THINK } from '../../templates/reasoning-marks.js';
import { Shadow } from '../../templates/shadow.js';
import type { ChatTemplate } from '../port.js';
import { ControlTokens } from './control-tokens.js';
import { plainText } from './plain-text.js';
import { templateOrigin } from './template-origin.js';
import { withLeadingToken } from './tokenizer.js';

/**
 * A template and what it means in the tokens of this model; undefined where there is none.
 * @throws UsageError for one that cannot be rendered
 */
export async function llamaChatTemplate(
  model: LlamaModel,
  choice: TemplateChoice = {},
  control = new ControlTokens(model),
): Promise<ChatTemplate | undefined> {
  const template = await openTemplate(templateOrigin(model.fileInfo, model.filename ?? 'the model'), choice);
  if (!template) return undefined;
  const read = plainText(model);
  const { name, takesSystem, hasSwitch, reasoning = marksInVocabulary(model) } = template;
  return {
    name,
    takesSystem,
    hasSwitch,
    reasoning,
    ...endsOf(template, control, reasoning),
    async encode(messages, written) {
      const { text, parts, shown } = await rendered(template, control, messages);
      const cut = written && text.startsWith(written.text) ? written.text.length : 0;
      // Tokens were written up to there, if no word reaches over it.
      const isKept = cut > 0 && parts.some(({ at, part }) => at === cut && typeof part !== 'string');
      const rest = isKept ? parts.filter(({ at }) => at >= cut) : parts;
      const tokens = rest.flatMap(({ part }) => (typeof part === 'string' ? read(shown(part)) : part));
      return { text, tokens: isKept ? [...written!.tokens, ...tokens] : withLeadingToken(model, tokens) };
    },
  };
}

/**
 * The names of control tokens in messages are hidden from the template and from what reads its text. A template that leaves
 * words of a message out can make a name of what is left, so that the letters which names begin with are hidden too, unless
 * it looks at those and writes something else.
 */
async function rendered(template: OpenTemplate, control: ControlTokens, messages: readonly ChatMessage[]) {
  const names = new Shadow((text, change) => control.replace(text, change), messages);
  const initials = new Shadow((text, change) => control.replaceInitials(text, change), messages);
  const withNames = await template.render(names.hidden(messages));
  const text = names.shown(withNames);
  const more = initials.hidden(messages);
  const withInitials = initials.isEmpty ? withNames : await template.render(more).catch(() => withNames);
  const [shadow, hidden] =
    initials.shown(withInitials) === text ? [initials, withInitials] : [names, withNames];
  return { text, parts: control.split(hidden), shown: (part: string) => shadow.shown(part) };
}

/**
 * What the template writes behind an answer ends one: a token if it is a token, else the words. What ends the reasoning
 * ends no answer, nor does blank space, which answers have in them.
 */
function endsOf(
  { afterAnswer }: OpenTemplate,
  control: ControlTokens,
  reasoning: ReasoningMarks | undefined,
): Pick<ChatTemplate, 'endTokens' | 'endTexts'> {
  const mark = reasoning?.end ?? '';
  const isOfMark = mark !== '' && afterAnswer.trimStart().startsWith(mark);
  const own = isOfMark ? afterAnswer.trimStart().slice(mark.length) : afterAnswer;
  const [first] = control.split(own.trimStart());
  if (first === undefined) return { endTokens: new Set(), endTexts: [] };
  if (typeof first.part === 'string') return { endTokens: new Set(), endTexts: [firstLineOf(own)] };
  const [markBegins] = control.split(mark);
  const isOfReasoning = first.part === markBegins?.part && mark !== '';
  return { endTokens: new Set(isOfReasoning ? [] : [first.part]), endTexts: [] };
}

/** With the blank space before it: in the midst of a line the same words are an answer's own. */
function firstLineOf(text: string): string {
  return /^\s*[^\n]*/.exec(text)![0].trimEnd();
}

/** The same for each choice, worked out when it is first asked for. */
export function chatTemplates(
  model: LlamaModel,
): (choice?: TemplateChoice) => Promise<ChatTemplate | undefined> {
  const open = new Map<string, Promise<ChatTemplate | undefined>>();
  let control: ControlTokens | undefined;
  return (choice = {}) => {
    control ??= new ControlTokens(model);
    const key = JSON.stringify([choice.chatTemplate, choice.think]);
    const known = open.get(key) ?? llamaChatTemplate(model, choice, control);
    open.set(key, known);
    known.catch(() => open.delete(key));
    return known;
  };
}

/** A template that says nothing of reasoning may belong to a model that was taught to begin with it all the same. */
function marksInVocabulary(model: LlamaModel): ReasoningMarks | undefined {
  const isToken = (text: string): boolean => model.tokenize(text, true, 'trimLeadingSpace').length === 1;
  return isToken(THINK.start) && isToken(THINK.end)
    ? { ...THINK, isOpen: false, isOfTemplate: false }
    : undefined;
}
