import { setTimeout as sleep } from 'node:timers/promises';
import { ModelFileError } from '../errors.js';
import { hubEndpoint } from './address.js';
import { hubToken } from './hub-token.js';
import { openNetwork, PATIENCE_MS, reasonOf } from './network.js';

/** How to interrupt a question to a server, and who hears its notices. */
export interface Asking {
  readonly signal?: AbortSignal | undefined;
  /** Called with a line that a person should see. */
  readonly onNotice?: ((line: string) => void) | undefined;
}

export interface Question {
  readonly url: URL;
  readonly headers?: Record<string, string>;
}

/** An answer, and the credentials that it needed: the user's token, only where the hub wanted it. */
export interface Answer {
  readonly response: Response;
  readonly credentials: Credentials;
}

/** Headers for one origin, and for no other: none, or a token. */
export type Credentials = Readonly<{ authorization?: string }>;

const LONGEST_WAIT_S = 60; // the longest wait that a server may ask for
const TRIES = 4; // while the server asks to wait

/**
 * Asks once without the user's token and, where the hub refuses, once with it. Waits where the server asks for that.
 * The caller follows redirects.
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
 * Asks one question, with a limit on the time of the answer.
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

/** @returns seconds that a server asks to wait; undefined: it does not ask */
function waitAsked({ status, headers }: Response): number | undefined {
  if (status !== 429) return undefined;
  const limit = /(?:^|;)\s*t=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]; // of Hugging Face: "api";r=0;t=55
  const after = headers.get('retry-after') ?? limit ?? '1';
  const seconds = /^\d+$/.test(after) ? Number(after) : (Date.parse(after) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : 1;
}
