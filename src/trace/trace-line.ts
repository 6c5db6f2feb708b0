import { z } from 'zod';
import type { UsageError } from '../errors.js';
import { definitionOf } from '../strategies/index.js';
import { MOST_GUESSES } from '../tuning/step-costs.js';
import { ROOT } from '../types.js';
import { startLine, stepLine } from './format.js';
import { REPLAYABLE, type RecordedNode, type RecordedStep, type Trace } from './recorded.js';

/** The facts of the start line that the steps need. */
export type TraceStart = Pick<Trace, 'strategy' | 'rule'> & { readonly maxTokens: number };

/** Makes the error for a wrong line. `what` says what is wrong. */
export type Refusal = (what: string) => UsageError;

/** @throws the error of `refuse`, unless `value` is the start line of a trace that can be replayed */
export function toStart(value: unknown, refuse: Refusal): TraceStart {
  const { type, schema, strategy } = parse(z.looseObject({}), value, refuse);
  const noStart = 'not the start line of a trace, which mtad --trace writes first';
  if (type !== 'start') throw refuse(noStart);
  if (schema !== 1) throw refuse(`schema ${JSON.stringify(schema)}; this version of mtad reads schema 1`);
  if (typeof strategy !== 'string') throw refuse(noStart);
  const replayable = REPLAYABLE.find((name) => name === strategy);
  if (!replayable)
    throw refuse(
      `a trace of ${strategy}; only ${REPLAYABLE.join(' and ')} can be replayed: their acceptance is not left to chance`,
    );
  const { threshold, draft_length, clip, max_tokens } = parse(startLine, value, refuse).params;
  const draftLength = draft_length === 'auto' ? MOST_GUESSES : draft_length;
  return { strategy: replayable, rule: { threshold, draftLength, clip }, maxTokens: max_tokens };
}

/** @throws the error of `refuse`, unless `value` is a step that can follow this start line */
export function toStep(
  value: unknown,
  line: number, // its number, from 1
  { strategy, rule }: TraceStart,
  room: number, // number of tokens that the limit leaves
  refuse: Refusal,
): RecordedStep {
  if ((value as { type?: unknown } | null)?.type === 'start')
    throw refuse('another start line: one trace at a time');
  const { index, draft, log_q, log_p, nodes, threshold, accepted, emitted } = parse(stepLine, value, refuse);
  if (log_q.length !== draft.length || log_p.length !== draft.length)
    throw refuse(`draft, log_q and log_p have ${draft.length}, ${log_q.length} and ${log_p.length} entries`);
  if (nodes && definitionOf(strategy).drafts !== 'tree')
    throw refuse(`a draft that branches, in a trace of ${strategy}`);
  const recorded =
    nodes?.map(({ token, parent, log_q, log_p, is_tail }) => ({
      token,
      parent,
      logQ: log_q,
      logP: log_p,
      isTail: is_tail,
    })) ?? draft.map((token, i) => ({ token, parent: i - 1, logQ: log_q[i]!, logP: log_p[i]! }));
  if (rule.threshold === 'auto' && threshold === undefined)
    throw refuse('no threshold, in a trace whose threshold moved from step to step');
  checkTree(recorded, rule.draftLength, refuse);
  checkEmitted(recorded, accepted, emitted, refuse);
  if (emitted.length > room)
    throw refuse(`emitted has ${emitted.length} entries, and max_tokens left room for ${room}`);
  return { index, line, room, nodes: recorded, accepted, emitted, threshold };
}

/** Checks that parents come before children, and that no path is longer than gamma. */
function checkTree(nodes: readonly RecordedNode[], draftLength: number, refuse: Refusal): void {
  const depths: number[] = [];
  for (const [node, { parent }] of nodes.entries()) {
    if (parent >= node) throw refuse(`nodes.${node}.parent is ${parent}, which is no earlier node`);
    depths[node] = (depths[parent] ?? 0) + 1;
    if (depths[node] > draftLength)
      throw refuse(`more guesses in a row than the draft length, ${draftLength}`);
  }
}

/** Checks that the emitted tokens are a path of the draft and at most one more token. */
function checkEmitted(
  nodes: readonly RecordedNode[],
  accepted: number,
  emitted: readonly number[],
  refuse: Refusal,
): void {
  if (emitted.length !== accepted && emitted.length !== accepted + 1)
    throw refuse(`accepted is ${accepted}, and emitted has ${emitted.length} entries`);
  let at = ROOT;
  for (const token of emitted.slice(0, accepted)) {
    at = nodes.findIndex((node) => node.parent === at && node.token === token);
    if (at === -1) throw refuse(`accepted is ${accepted}, and emitted does not begin with as many guesses`);
  }
}

/** @throws the error of `refuse`, unless the schema takes the value */
export function parse<T>(schema: z.ZodType<T>, value: unknown, refuse: Refusal): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw refuse(path.length === 0 ? message : `${path.join('.')}: ${message}`);
}
