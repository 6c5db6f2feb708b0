import type { ChatMessage } from '../../templates/messages.js';
import {
  type OpenTemplate,
  openTemplate,
  type TemplateChoice,
  type TemplateOrigin,
} from '../../templates/open-template.js';
import { type ReasoningMarks, THINK } from '../../templates/reasoning-marks.js';
import { Shadow } from '../../templates/shadow.js';
import type { ChatTemplate } from '../port.js';
import { ControlTokens } from './control-tokens.js';
import { plainText } from './plain-text.js';
import { withLeadingToken } from './tokenizer.js';
import type { Vocabulary } from './vocabulary.js';

/**
 * @returns a chat template in the tokens of this model; undefined: there is no template
 * @throws UsageError for a template that cannot be rendered
 */
export async function chatTemplateOf(
  vocabulary: Vocabulary,
  origin: TemplateOrigin,
  choice: TemplateChoice = {},
  control = new ControlTokens(vocabulary),
): Promise<ChatTemplate | undefined> {
  const template = await openTemplate(origin, choice);
  if (!template) return undefined;
  const read = plainText(vocabulary);
  const { name, takesSystem, hasSwitch, reasoning = marksInVocabulary(vocabulary) } = template;
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
      return {
        text,
        tokens: isKept ? [...written!.tokens, ...tokens] : withLeadingToken(vocabulary, tokens),
      };
    },
  };
}

/**
 * Hides names of control tokens in messages, from the template and from the tokenizer. A template that drops words of a
 * message may join the rest to a name. So the first letters of names are hidden too, unless the template reads them and
 * writes another text.
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
 * Finds the end of an answer: the text that the template writes behind answers, as a token if there is one, else as words.
 * The end of the reasoning ends no answer. Nor does blank space, which answers contain.
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

/** The words with the blank space before them: within a line the same words belong to the answer. */
function firstLineOf(text: string): string {
  return /^\s*[^\n]*/.exec(text)![0].trimEnd();
}

/** Keeps the template of each choice, made when it is first needed. */
export function chatTemplates(
  vocabulary: Vocabulary,
  origin: () => TemplateOrigin,
): (choice?: TemplateChoice) => Promise<ChatTemplate | undefined> {
  const open = new Map<string, Promise<ChatTemplate | undefined>>();
  let control: ControlTokens | undefined;
  return (choice = {}) => {
    control ??= new ControlTokens(vocabulary);
    const key = JSON.stringify([choice.chatTemplate, choice.think]);
    const known = open.get(key) ?? chatTemplateOf(vocabulary, origin(), choice, control);
    open.set(key, known);
    known.catch(() => open.delete(key));
    return known;
  };
}

/** A model may begin with reasoning although its template does not mention it. */
function marksInVocabulary({ tokenize }: Vocabulary): ReasoningMarks | undefined {
  const isToken = (text: string): boolean => tokenize(text, true).length === 1;
  return isToken(THINK.start) && isToken(THINK.end)
    ? { ...THINK, isOpen: false, isOfTemplate: false }
    : undefined;
}
