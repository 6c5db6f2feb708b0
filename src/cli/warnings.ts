import type { ChatTemplate } from '../engine/engine.js';
import type { ModelHeader } from '../models/header.js';

/** Says what may make a text worse than the model could write it. */
export function warn(
  ctxSize: number | undefined, // as asked for
  { trainContextSize }: ModelHeader,
  template: Pick<ChatTemplate, 'takesSystem'> | undefined,
  system: string | undefined, // what the model is told before the rest
  say: (line: string) => void,
): void {
  if (ctxSize !== undefined && trainContextSize > 0 && ctxSize > trainContextSize)
    say(
      `warning: --ctx-size ${ctxSize} is more than the ${trainContextSize} tokens that the target was trained on`,
    );
  if (template?.takesSystem === false && system !== undefined)
    say('the chat template has no place for a system text: it stands before the first question');
}
