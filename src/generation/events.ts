import type { Checked } from '../decoding/cache-check.js';
import type { Step } from '../decoding/loop.js';
import { certainPart } from '../text/begun-text.js';
import { answerOf, type Reasoned } from '../text/reasoning.js';
import type { TextPiece } from '../text/text-stream.js';
import type { CostCurves } from '../tuning/cost-curves.js';
import type { Drift } from '../tuning/drift.js';
import type { Quality } from '../tuning/quality-budget.js';
import type { Repetition } from '../tuning/repetition-budget.js';
import type { FinishReason, TokenId } from '../types.js';
import { addCounters, type Counters } from './counters.js';
import type { DecidedSettings } from './draft-source.js';

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
  | { readonly type: 'costs'; readonly costs: KnownCosts }
  | StepEvent
  | { readonly type: 'text'; readonly pieces: readonly TextPiece[] }
  | { readonly type: 'end'; readonly result: GenerationResult };

/** What happens in a conversation. */
export type ConversationEvent = GenerationEvent | ShiftEvent;

/** The context is full: the oldest questions and answers are no longer part of the conversation. */
export interface ShiftEvent {
  readonly type: 'shift';
  /** Number of questions that went, each with its answer, >= 1. */
  readonly dropped: number;
}

/** One round of the loop. */
export interface StepEvent {
  readonly type: 'step';
  readonly step: Step;
  /** By which it was judged, where the threshold follows the quality of the text. */
  readonly threshold?: number | undefined;
  /** Beams by which it was drafted, where their number follows the repetition of the text. */
  readonly beamWidth?: number | undefined;
}

/** What passes cost, by which the draft length is chosen. */
export interface KnownCosts extends CostCurves {
  /** Milliseconds that went into measuring them now; null = they were known. */
  readonly measuredMs: number | null;
}

/** With what was left open decided. */
export type EffectiveSettings = DecidedSettings & { readonly seed: number; readonly perplexity: boolean };

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
  /** Where the threshold follows it; null = the threshold is fixed, or the strategy has none. */
  readonly quality: Quality | null;
  /** Where the beam width follows it; null = the width is fixed, or the strategy has no beams. */
  readonly repetition: Repetition | null;
  /** Of this text and those before it in its session; null = there is no profile for these settings. */
  readonly drift: Drift | null;
  /** Of this text and those before it in the same caches; null = `verifyCache` is not given. */
  readonly cacheCheck: Checked | null;
  readonly prefillMs: number;
  /** From the start of prefill; null where no token came. */
  readonly firstTokenMs: number | null;
  /** Tokens of the prompt that each model evaluated: those that its cache did not hold. */
  readonly evaluated: { readonly target: number; readonly draft: number };
}

/** One text that was written in two parts. The second has a character whole within which the first ended. */
export function joined(first: GenerationResult, second: GenerationResult): GenerationResult {
  const before = certainPart(first.text);
  const reasoning =
    first.reasoning === null && second.reasoning === null
      ? null
      : (first.reasoning ?? '').slice(0, before.length) + (second.reasoning ?? '');
  return {
    ...second,
    text: before + second.text,
    reasoning,
    tokens: [...first.tokens, ...second.tokens],
    counters: addCounters(first.counters, second.counters),
    prefillMs: first.prefillMs + second.prefillMs,
    firstTokenMs: first.firstTokenMs ?? second.firstTokenMs,
    evaluated: {
      target: first.evaluated.target + second.evaluated.target,
      draft: first.evaluated.draft + second.evaluated.draft,
    },
  };
}

/** What an event may show of a text, written here or by a server. */
interface Showing {
  readonly pieces?: readonly TextPiece[];
  readonly result?: Reasoned;
}

/** The same event where only the answer is to be seen. */
export function withoutReasoning<Event extends object>(event: Event & Showing): Event {
  const { pieces, result } = event;
  return {
    ...event,
    ...(pieces && { pieces: pieces.filter(({ isReasoning }) => !isReasoning) }),
    ...(result && { result: { ...result, text: answerOf(result) } }),
  };
}
