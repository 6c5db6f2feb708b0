import { z } from 'zod';
import type { Step } from '../decoding/loop.js';
import type { StepEvent } from '../generation/events.js';
import { logProbOf } from '../math/distribution.js';
import { likeliestLeaf, pathTo } from '../math/draft-tree.js';
import { definitionOf, type StrategyChoice } from '../strategies/index.js';
import type { TokenId } from '../types.js';
import { type StepLine, startLine, stepLine } from './format.js';

/**
 * First line of a trace.
 * @param params all settings, keys in snake_case
 */
export function traceStart(
  strategy: StrategyChoice,
  params: object,
  promptTokens: readonly TokenId[],
): object {
  return z.encode(startLine, {
    type: 'start',
    schema: 1,
    strategy: definitionOf(strategy).name,
    params: params as z.output<typeof startLine>['params'],
    prompt_tokens: [...promptTokens],
  });
}

/**
 * One step: enough to decide anew what any threshold would have accepted.
 * @param index of the step, from 0
 * @param textOf the text of a token, for people who read the trace; without it there are ids alone
 * @param moving the settings of this step that follow the text
 */
export function traceStep(
  step: Step,
  index: number,
  textOf?: (token: TokenId) => string,
  { threshold, beamWidth }: Pick<StepEvent, 'threshold' | 'beamWidth'> = {},
): object {
  const { p, rawLogProbs, ms } = step;
  const nodes = step.draft.map(({ token, parent, q, isTail, from }) => ({
    token,
    ...(textOf && { text: textOf(token) }),
    parent,
    log_q: logProbOf(q, token),
    log_p: logProbOf(p[parent + 1]!, token),
    ...(isTail && { is_tail: true }),
    ...(from && { from }),
  }));
  const path = pathTo(step.draft, likeliestLeaf(step.draft)).map((node) => nodes[node]!);
  const line: StepLine = {
    type: 'step',
    index,
    position: step.position,
    draft: path.map(({ token }) => token),
    ...(textOf && { draft_text: path.map(({ token }) => textOf(token)) }),
    log_q: path.map(({ log_q }) => log_q),
    log_p: path.map(({ log_p }) => log_p),
    ...(path[0]?.from && { draft_from: path.map(({ from }) => from!) }),
    ...(path.length < nodes.length ? { nodes } : {}),
    ...(threshold !== undefined && { threshold }),
    ...(beamWidth !== undefined && { beam_width: beamWidth }),
    accepted: step.accepted,
    next: step.next ?? null,
    emitted: [...step.emitted],
    ...(textOf && { emitted_text: step.emitted.map(textOf) }),
    raw_log_p: rawLogProbs ? [...rawLogProbs] : null,
    draft_passes: step.draftPasses,
    ms: { ...ms },
  };
  return z.encode(stepLine, line);
}
