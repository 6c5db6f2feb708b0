import type { Drift, Fall } from '../tuning/drift.js';

/** What has fallen, as a sentence begins. */
const FALLS: Readonly<Record<Fall['sign'], (fall: Fall) => string>> = {
  acceptance: ({ now, usual }) =>
    `${percent(now)} of the first guesses suit the target, ${percent(usual)} are usual`,
  likelihood: ({ now, usual }) =>
    `the target holds the first guesses to be ${Math.exp(usual - now).toFixed(2)} times less likely than is usual`,
};

/** What to say of a fall that chance does not explain; undefined = there is none. */
export function driftNotice(drift: Drift | null): string | undefined {
  const { fall } = drift ?? {};
  if (!fall) return undefined;
  return (
    `${FALLS[fall.sign](fall)} by the profile: these texts, or the draft model, are not those that it was made with; ` +
    'mtad tune --prompts with such texts makes another, or take another draft model'
  );
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
