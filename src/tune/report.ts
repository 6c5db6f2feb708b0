import type { Placement } from '../tuning/profile.js';
import type { Advice, Tried } from './advice.js';
import type { Candidate, Runnable } from './candidate.js';
import type { Figures } from './figures.js';
import { type Placed, type Places, stepMs } from './placement.js';
import type { Weighed } from './search.js';

/** The results of a search. */
export interface TuneReport {
  readonly schema: 1;
  readonly conditions: {
    /** Number of prompts that fitted into the context. */
    readonly prompts: number;
    readonly skipped: number;
    readonly maxTokens: number;
    readonly temperature: number;
    readonly topK: number;
    readonly topP: number;
    readonly quality: number;
    readonly seed: number;
  };
  /** The tried numbers of threads and devices, with the milliseconds of a pass of the target over 1 and 5 tokens, and of four drafted tokens. */
  readonly placements: readonly PlacementTried[];
  /** The best placements of plain decoding and of drafting; empty: the engine decides. */
  readonly places: Pick<Places, 'plain' | 'drafting'>;
  /** Figures of plain decoding. */
  readonly plain: Pick<Figures, 'perplexity' | 'distinct2' | 'repeated4'>;
  /** All candidates that were replayed, the fastest first. */
  readonly candidates: readonly WeighedCandidate[];
  /** The best of each kind, which were run beside plain decoding. */
  readonly tried: readonly Tried[];
  /** Null = plain decoding. */
  readonly recommended: Runnable | null;
  /** Null = none. */
  readonly runnerUp: Runnable | null;
  /** The recommendation in a few sentences. */
  readonly recommendation: string;
}

/** A candidate and its forecast. */
export type WeighedCandidate = Candidate &
  Pick<Weighed, 'speedUp' | 'tokensPerPass' | 'perplexity' | 'distinct2' | 'repeated4' | 'isGood'>;

/** Milliseconds. */
export interface PlacementTried {
  readonly placement: Placement;
  readonly plainMs: number;
  readonly verifyMs: number;
  readonly draftMs: number;
}

export function reportOf(
  conditions: TuneReport['conditions'],
  placed: readonly Placed[],
  { plain: plainPlace, drafting }: Places,
  plain: TuneReport['plain'],
  weighed: readonly Weighed[],
  tried: readonly Tried[],
  { best, runnerUp, text }: Advice<Tried>,
): TuneReport {
  const { prompts, skipped, maxTokens, temperature, topK, topP, quality, seed } = conditions;
  const { perplexity, distinct2, repeated4 } = plain;
  return {
    schema: 1,
    conditions: { prompts, skipped, maxTokens, temperature, topK, topP, quality, seed },
    placements: placed.map((one) => ({ placement: one.placement, ...stepMs(one.curves) })),
    places: { plain: plainPlace, drafting },
    plain: { perplexity, distinct2, repeated4 },
    candidates: weighed
      .toSorted((a, b) => b.speedUp - a.speedUp)
      .map(({ candidate, speedUp, tokensPerPass, perplexity, distinct2, repeated4, isGood }) => {
        return { ...candidate, speedUp, tokensPerPass, perplexity, distinct2, repeated4, isGood };
      }),
    tried: tried.map(({ candidate, foretold, measured }) => ({ candidate, foretold, measured })),
    recommended: best?.candidate ?? null,
    runnerUp: runnerUp?.candidate ?? null,
    recommendation: text,
  };
}
