import type { Step } from '../decoding/loop.js';
import { answerOf } from '../text/reasoning.js';
import type { TextPiece } from '../text/text-stream.js';
import type { FinishReason, TokenId } from '../types.js';
import type { Counters } from './counters.js';
import type { Settings } from './settings.js';

/** What happens while a text is written, in the order in which it happens; the result comes last. */
export type GenerationEvent =
  | {
      readonly type: 'start';
      readonly promptTokens: readonly TokenId[];
      readonly settings: EffectiveSettings;
      readonly contextSize: number; // tokens
    }
  | { readonly type: 'prefill'; readonly done: number; readonly total: number } // tokens, over both models
  | { readonly type: 'step'; readonly step: Step }
  | { readonly type: 'text'; readonly pieces: readonly TextPiece[] }
  | { readonly type: 'end'; readonly result: GenerationResult };

/** With what was left open decided. */
export type EffectiveSettings = Settings & { readonly seed: number; readonly perplexity: boolean };

/** One text and what it took. */
export interface GenerationResult {
  readonly text: string; // all of it
  readonly reasoning: string | null; // what of it came before the answer; null = the model does none
  readonly tokens: readonly TokenId[]; // emitted, the one that ended the text included
  readonly finishReason: FinishReason;
  readonly grammarComplete: boolean | null; // whether the text may end there; null without a grammar
  readonly counters: Counters;
  readonly prefillMs: number;
  readonly firstTokenMs: number | null; // from the start of prefill; null where no token came
  /** Tokens of the prompt that each model evaluated: those that its cache did not hold. */
  readonly evaluated: { readonly target: number; readonly draft: number };
}

/** The same event where only the answer is to be seen. */
export function withoutReasoning(event: GenerationEvent): GenerationEvent {
  if (event.type === 'text')
    return { ...event, pieces: event.pieces.filter(({ isReasoning }) => !isReasoning) };
  if (event.type !== 'end') return event;
  const { result } = event;
  return { ...event, result: { ...result, text: answerOf(result) } };
}
