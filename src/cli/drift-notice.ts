import type { GenerationResult } from '../generation/events.js';
import type { History } from '../models/history.js';
import { tokensPerPass } from '../tuning/corpus-worth.js';
import type { Drift, Fall } from '../tuning/drift.js';

/** What has fallen, as a sentence begins. */
const FALLS: Readonly<Record<Fall['sign'], (fall: Fall) => string>> = {
  acceptance: ({ now, usual }) =>
    `${percent(now)} of the first guesses suit the target, ${percent(usual)} are usual`,
  likelihood: ({ now, usual }) =>
    `the target holds the first guesses to be ${Math.exp(usual - now).toFixed(2)} times less likely than is usual`,
};

/** Gains in tokens per pass up to this are none worth naming. */
const NO_GAIN = 1.05;

const BEGIN =
  'or keep such texts with --learn history.corpus, and draft from them too with --draft +history.corpus';

/**
 * Returns what to say of a fall that chance does not explain; undefined: there is none.
 * @param ofHistory what can be done with a history, where a command can keep one
 */
export function driftNotice(drift: Drift | null, ofHistory?: string): string | undefined {
  const { fall } = drift ?? {};
  if (!fall) return undefined;
  return (
    `${FALLS[fall.sign](fall)} by the profile: these texts, or the draft model, are not those that it was made with; ` +
    `mtad tune --prompts with such texts makes another, or take another draft model${ofHistory === undefined ? '' : `, ${ofHistory}`}`
  );
}

/** The same after a text, with what a history that is kept would have brought in it. */
export async function driftNoticeOf(
  { drift, tokens }: Pick<GenerationResult, 'drift' | 'tokens'>,
  history: History | undefined,
): Promise<string | undefined> {
  if (!drift?.fall || !history) return driftNotice(drift, BEGIN);
  const corpus = await history.kept().catch(() => undefined); // it may be gone or damaged since it was opened
  const gain = corpus && tokensPerPass(corpus, tokens);
  if (gain === undefined || gain <= NO_GAIN)
    return driftNotice(
      drift,
      `or wait: ${history.path} keeps these texts, and has too few like them yet to draft from`,
    );
  return driftNotice(
    drift,
    `or draft from what is kept: guesses of ${history.path} alone would have brought ${gain.toFixed(2)} tokens per pass here (--draft +${history.path})`,
  );
}

/** Returns what to say of drift after each text of a run: the notice after the first that shows it, and then nothing. */
export function driftToldOnce(
  history: History | undefined,
): (result: Pick<GenerationResult, 'drift' | 'tokens'>) => Promise<string | undefined> {
  let isTold = false;
  return async (result) => {
    if (isTold || !result.drift?.fall) return undefined;
    isTold = true; // before the history is read, since another text may end meanwhile
    return driftNoticeOf(result, history);
  };
}

/** Returns a function to call with each text of a run: it says on a line of its own that they drift, once. */
export function sayingDriftOnce(
  history: History | undefined,
  say: (line: string) => void,
): (result: Pick<GenerationResult, 'drift' | 'tokens'>) => Promise<void> {
  const toTell = driftToldOnce(history);
  return async (result) => {
    const line = await toTell(result);
    if (line !== undefined) say(line);
  };
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
