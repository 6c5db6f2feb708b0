import type { ChatTemplate } from '../engine/port.js';
import type { PairFiles } from '../models/pair.js';
import type { Think } from '../templates/open-template.js';

/** Warns of settings that may make a text worse. */
export function warn(
  {
    ctxSize,
    think = 'auto',
    rpc,
  }: { readonly ctxSize?: number; readonly think?: Think; readonly rpc?: string }, // as asked for
  { target: { trainContextSize }, notes }: Pick<PairFiles, 'target' | 'notes'>,
  template: Pick<ChatTemplate, 'takesSystem' | 'hasSwitch'> | undefined,
  system: string | undefined, // what the model is told before the rest
  say: (line: string) => void,
): void {
  for (const note of notes) say(`warning: ${note}`);
  if (ctxSize !== undefined && trainContextSize > 0 && ctxSize > trainContextSize)
    say(
      `warning: --ctx-size ${ctxSize} is more than the ${trainContextSize} tokens that the target was trained on`,
    );
  if (rpc?.split(',').some((server) => !/^(127\.\d+\.\d+\.\d+|localhost):/.test(server)))
    say(
      'warning: --rpc sends the weights of the target and the numbers of its texts to other machines, without password or encryption',
    );
  if (think !== 'auto' && !template?.hasSwitch)
    say(`--think ${think} changes nothing: the target has no chat template with a switch for reasoning`);
  if (template?.takesSystem === false && system !== undefined)
    say('the chat template has no place for a system text: it stands before the first question');
}
