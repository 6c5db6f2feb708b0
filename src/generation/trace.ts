import type { Step } from '../decoding/decode.js';
import { logProbOf } from '../sampling/distribution.js';
import type { LogProb, TokenId } from '../types.js';

/** First line of a trace. Logs are natural. */
export function traceStart(strategy: string, params: object, promptTokens: readonly TokenId[]): object {
  return { type: 'start', schema: 1, strategy, params, prompt_tokens: promptTokens };
}

/** One step: enough to decide anew what any threshold would have accepted. */
export function traceStep(step: Step, index: number): object {
  const { draft, p, rawLogProbs, ms } = step;
  return {
    type: 'step',
    index,
    position: step.position,
    draft: draft.map(({ token }) => token),
    log_q: draft.map(({ token, q }) => finiteOrNull(logProbOf(q, token))),
    log_p: draft.map(({ token }, i) => finiteOrNull(logProbOf(p[i]!, token))),
    accepted: step.accepted,
    next: step.next,
    emitted: step.emitted,
    raw_log_p: rawLogProbs ?? null,
    ms: { draft: ms.draft, verify: ms.verify, own: ms.own },
  };
}

/** JSON has no -Infinity. */
function finiteOrNull(value: LogProb): number | null {
  return Number.isFinite(value) ? value : null;
}
