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
      /** Tokens. */
      readonly contextSize: number;
    }
  | { readonly type: 'prefill'; readonly done: number; readonly total: number } // tokens, over both models
  | { readonly type: 'step'; readonly step: Step }
  | { readonly type: 'text'; readonly pieces: readonly TextPiece[] }
  | { readonly type: 'end'; readonly result: GenerationResult };

/** With what was left open decided. */
export type EffectiveSettings = Settings & { readonly seed: number; readonly perplexity: boolean };

/** One text and what it took. */
export interface GenerationResult {
  /** All of it. */
  readonly text: string;
  /** What of it came before the answer; null = the model does none. */
  readonly reasoning: string | null;
  /** Emitted, the one that ended the text included. */
  readonly tokens: readonly TokenId[];
  readonly finishReason: FinishReason;
  /** Whether the text may end there; null without a grammar. */
  readonly grammarComplete: boolean | null;
  readonly counters: Counters;
  readonly prefillMs: number;
  /** From the start of prefill; null where no token came. */
  readonly firstTokenMs: number | null;
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
