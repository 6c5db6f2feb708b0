import { setTimeout as sleep } from 'node:timers/promises';
import { ModelFileError } from '../errors.js';
import { hubEndpoint } from './address.js';
import { hubToken } from './hub-token.js';
import { openNetwork, reasonOf } from './network.js';

/** What a download asks of whoever started it. */
export interface Asking {
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((line: string) => void) | undefined; // something worth a line to a person
}

export interface Question {
  readonly url: URL;
  readonly method: 'GET' | 'HEAD';
  readonly headers?: Record<string, string>;
}

/** An answer, and the headers that it took: those of the hub's user only where the hub wanted them. */
export interface Answer {
  readonly response: Response;
  readonly headers: Record<string, string>;
  readonly hadToken: boolean;
}

const PATIENCE_MS = 30_000; // for the head of an answer
const LONGEST_WAIT_S = 60; // that a server may ask for at once
const TRIES = 4; // while it asks to wait

/**
 * Asks once without and, where the hub refuses that, once with the user's token; waits where the server asks to.
 * Redirects are the caller's.
 * @throws ModelFileError where no answer comes; the signal's reason
 */
export async function ask(question: Question, asking: Asking): Promise<Answer> {
  const token = question.url.origin === hubEndpoint().origin ? await hubToken() : undefined;
  const anonymous = { headers: { ...question.headers }, hadToken: false };
  const known = { headers: { ...question.headers, authorization: `Bearer ${token}` }, hadToken: true };
  for (let attempt = 1; ; attempt++) {
    let answer = { response: await fetchHead(question, anonymous.headers, asking), ...anonymous };
    if (token && [401, 403, 404, 429].includes(answer.response.status))
      answer = { response: await fetchHead(question, known.headers, asking), ...known };
    const wait = waitAsked(answer.response);
    if (wait === undefined || wait > LONGEST_WAIT_S || attempt === TRIES) return answer;
    asking.onNotice?.(`${question.url.host} limits how often it may be asked; trying again in ${wait} s`);
    await sleep(wait * 1000, undefined, asking.signal && { signal: asking.signal });
  }
}

async function fetchHead(
  { url, method }: Question,
  headers: Record<string, string>,
  { signal }: Asking,
): Promise<Response> {
  const fetch = await openNetwork();
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    return await fetch(url.href, {
      method,
      headers,
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ModelFileError(
      `Cannot reach ${url.host} (${patience.aborted ? `no answer within ${PATIENCE_MS / 1000} s` : reasonOf(cause)}); check the network, HF_ENDPOINT and HTTPS_PROXY, or use what is downloaded with --offline`,
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
