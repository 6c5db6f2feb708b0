import { setTimeout as sleep } from 'node:timers/promises';
import { ModelFileError } from '../errors.js';
import { hubEndpoint } from './address.js';
import { hubToken } from './hub-token.js';
import { openNetwork, PATIENCE_MS, reasonOf } from './network.js';

/** What a download asks of whoever started it. */
export interface Asking {
  readonly signal?: AbortSignal | undefined;
  /** Something worth a line to a person. */
  readonly onNotice?: ((line: string) => void) | undefined;
}

export interface Question {
  readonly url: URL;
  readonly headers?: Record<string, string>;
}

/** An answer, and the token that it took: the hub's user's, only where the hub wanted it. */
export interface Answer {
  readonly response: Response;
  readonly credentials: Credentials;
}

/** Headers for one origin alone: empty, or with a token. */
export type Credentials = Readonly<{ authorization?: string }>;

const LONGEST_WAIT_S = 60; // that a server may ask for at once
const TRIES = 4; // while it asks to wait

/**
 * Asks once without and, where the hub refuses that, once with the user's token; waits where the server asks to.
 * Redirects are the caller's.
 * @throws ModelFileError where no answer comes; the signal's reason
 */
export async function ask(question: Question, asking: Asking): Promise<Answer> {
  const token = question.url.origin === hubEndpoint().origin ? await hubToken() : undefined;
  const answerTo = async (credentials: Credentials): Promise<Answer> => ({
    response: await fetchHead(question, { credentials, redirect: 'manual' }, asking),
    credentials,
  });
  for (let attempt = 1; ; attempt++) {
    let answer = await answerTo({});
    if (token && [401, 403, 404, 429].includes(answer.response.status)) {
      await answer.response.body?.cancel();
      answer = await answerTo({ authorization: `Bearer ${token}` });
    }
    const wait = waitAsked(answer.response);
    if (wait === undefined || wait > LONGEST_WAIT_S || attempt === TRIES) return answer;
    await answer.response.body?.cancel();
    asking.onNotice?.(`${question.url.host} limits how often it may be asked; trying again in ${wait} s`);
    await sleep(wait * 1000, undefined, asking.signal && { signal: asking.signal });
  }
}

/**
 * One question, with a limit on the time that the answer may take.
 * @throws ModelFileError where no answer comes; the signal's reason
 */
export async function fetchHead(
  { url, headers }: Question,
  { credentials, redirect }: { credentials: Credentials; redirect: 'manual' | 'follow' },
  { signal }: Asking,
): Promise<Response> {
  const fetch = await openNetwork();
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    return await fetch(url.href, {
      headers: { ...headers, ...credentials },
      redirect,
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ModelFileError(
      `Cannot reach ${url.host} (${patience.aborted ? `no answer within ${PATIENCE_MS / 1000} s` : reasonOf(cause)}); check the network, HF_ENDPOINT and HTTPS_PROXY, or use what is downloaded with \`offline\``,
      { cause },
    );
  }
}

/** @returns seconds that a server asks to wait, if it does */
function waitAsked({ status, headers }: Response): number | undefined {
  if (status !== 429) return undefined;
  const limit = /(?:^|;)\s*t=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]; // of Hugging Face: "api";r=0;t=55
  const after = headers.get('retry-after') ?? limit ?? '1';
  const seconds = /^\d+$/.test(after) ? Number(after) : (Date.parse(after) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : 1;
}
