import { z } from 'zod';
import { ModelFileError } from '../errors.js';
import {
  type Address,
  addressText,
  type HubAddress,
  hubEndpoint,
  isSafePath,
  withoutSecrets,
} from './address.js';
import { type Answer, type Asking, ask, type Credentials, type Question } from './ask.js';
import { type FileVersion, validatorOf, versionOf } from './file-version.js';
import { fileOf, PART, partsOf, placeOf } from './models-folder.js';

/** One file on a server. */
export interface RemoteFile {
  readonly url: string;
  /** Headers for the origin of `url`, and for no other. */
  readonly credentials: Credentials;
  /** Path relative to the models folder. */
  readonly place: string;
  readonly bytes: number | undefined;
  /** In hex; undefined where the server does not tell. */
  readonly sha256: string | undefined;
  /** A text that changes when the file does; undefined where the server does not tell. */
  readonly version: string | undefined;
  /** The version that all answers with bytes must have; without marks where only the hub tells them. */
  readonly begun: FileVersion;
  /** That server's value for the header If-Range. */
  readonly validator: string | undefined;
}

const NOTHING: FileVersion = { tag: undefined, bytes: undefined };
const MOST_REDIRECTS = 5;
const LINKED = ['x-linked-size', 'x-linked-etag'];
const OWN = ['content-length', 'content-range', 'etag', 'last-modified'];
const SHA256 = /^[0-9a-f]{64}$/i;
const manifestSchema = z.object({ ggufFile: z.object({ rfilename: z.string() }) });

/**
 * Asks a server for the files of a model and the facts about them.
 * @throws ModelFileError where there is no such model, or the server refuses it
 */
export async function locate(address: Address, asking: Asking): Promise<RemoteFile[]> {
  const file = fileOf(address) ?? (await chosenFile(address as HubAddress, asking));
  const files: RemoteFile[] = [];
  for (const part of partsOf(file)) files.push(await describe(address, part, asking));
  return files;
}

/** @returns the file that the hub has for a quantisation */
async function chosenFile(address: HubAddress, asking: Asking): Promise<string> {
  const { user, repo, quant = 'latest' } = address;
  const url = new URL(`v2/${user}/${repo}/manifests/${quant}`, hubEndpoint());
  // The hub names the file to this agent alone: https://github.com/ggml-org/llama.cpp/pull/11195
  const answers = await follow({ url, headers: { 'user-agent': 'llama-cpp' } }, address, asking);
  const body = await answers
    .at(-1)!
    .response.json()
    .catch(() => asking.signal?.throwIfAborted());
  const manifest = manifestSchema.safeParse(body);
  if (!manifest.success)
    throw new ModelFileError(
      `${url.host} does not say which file ${addressText(address)} is; give the file: hf:${user}/${repo}/file.gguf`,
    );
  const { rfilename } = manifest.data.ggufFile;
  if (!isSafePath(rfilename) || !/\.gguf$/i.test(rfilename))
    throw new ModelFileError(`${url.host} names a file that is no model's: ${JSON.stringify(rfilename)}`);
  return rfilename;
}

/**
 * Asks for the first byte of a file, to read the headers beside it: not every server answers HEAD.
 * The hub's own headers, on the way to another server, take precedence.
 */
async function describe(address: Address, file: string, asking: Asking): Promise<RemoteFile> {
  const url = fileUrl(address, file);
  const question = { url, headers: { 'accept-encoding': 'identity', range: 'bytes=0-0' } };
  const answers = await follow(question, address, asking, (headers) => headers.has('x-linked-size'));
  await answers.at(-1)!.response.body?.cancel(); // the whole file, where a server knows no ranges
  // A renamed repository wants the token only where it is now.
  const { credentials } = answers.findLast(({ at }) => at.origin === url.origin)!;
  const told = new Headers();
  for (const { ok, headers } of answers.map(({ response }) => response)) {
    const telling = ok ? [...LINKED, ...OWN] : LINKED; // of a redirect, its own length and tag say nothing
    for (const name of telling) if (!told.has(name) && headers.has(name)) told.set(name, headers.get(name)!);
  }
  const { tag, bytes } = versionOf(told);
  const isLinked = LINKED.some((name) => told.has(name));
  return {
    url: url.href,
    credentials,
    place: placeOf(address, file),
    bytes,
    sha256: address.kind === 'hub' && tag && SHA256.test(tag) ? tag.toLowerCase() : undefined,
    version: tag && `${tag}|${bytes}`,
    begun: isLinked ? NOTHING : { tag, bytes },
    validator: isLinked ? undefined : validatorOf(told),
  };
}

/**
 * Asks, and follows redirects until `isEnough` accepts the headers.
 * @returns all answers on the way
 * @throws ModelFileError for a refusal
 */
async function follow(
  question: Question,
  address: Address,
  asking: Asking,
  isEnough = (_: Headers) => false,
): Promise<(Answer & { at: URL })[]> {
  const answers: (Answer & { at: URL })[] = [];
  for (let at = question.url; ; ) {
    const answer = await ask({ ...question, url: at }, asking);
    const { status, headers, body } = answer.response;
    answers.push({ ...answer, at });
    const next = status >= 300 && status < 400 && answers.length <= MOST_REDIRECTS && headers.get('location');
    if (!next && !answer.response.ok) await body?.cancel(); // else a long page keeps the connection
    if (!next) refuse(answer, address, at);
    if (!next || isEnough(headers)) return answers;
    await body?.cancel();
    at = wayTo(next, at, address);
  }
}

/** @throws ModelFileError for a redirect to anything but a web server */
function wayTo(next: string, from: URL, address: Address): URL {
  const to = URL.canParse(next, from.href) ? new URL(next, from) : undefined;
  if (to && /^https?:$/.test(to.protocol)) return to;
  throw new ModelFileError(
    `${from.host} leads to ${JSON.stringify(withoutSecrets(next))} for ${addressText(address)}, which is no http address; check the address`,
  );
}

function fileUrl(address: Address, file: string): URL {
  if (address.kind === 'hub') {
    const { user, repo, branch } = address;
    const path = file.split('/').map(encodeURIComponent).join('/');
    return new URL(`${user}/${repo}/resolve/${encodeURIComponent(branch)}/${path}`, hubEndpoint());
  }
  const url = new URL(address.url);
  url.pathname = url.pathname.replace(PART, PART.exec(file)?.[0] ?? ''); // else untouched: %2F is not /
  return url;
}

/** @throws ModelFileError for an answer that is a refusal */
export function refuse(
  { response: { status, ok }, credentials }: Answer,
  address: Address,
  { host }: URL,
): void {
  if (ok) return;
  const text = addressText(address);
  throw new ModelFileError(`${host} does not give ${text}: ${refusal(status, credentials, address)}`);
}

/** @returns the meaning of a status, and what to do */
export function refusal(status: number, credentials: Credentials, address: Address): string {
  const hadToken = credentials.authorization !== undefined;
  const isHub = address.kind === 'hub';
  const page = isHub ? `${hubEndpoint().href}${address.user}/${address.repo}` : '';
  switch (status) {
    case 401:
    case 403:
      if (!isHub) return `access is refused (${status}); fetch the file by other means and give its path`;
      return hadToken
        ? `access is refused to your token (${status}); accept the licence on ${page}, or check HF_TOKEN`
        : `there is no such repository, or it is gated or private (${status}); check the name, accept the licence on ${page} and set HF_TOKEN`;
    case 400:
    case 404:
    case 410:
      if (!isHub) return `there is no such file (${status}); check the address`;
      return address.file
        ? `there is no such file on branch ${address.branch} (${status}); see ${page}/tree/main`
        : `there is no file of quantisation ${address.quant ?? '(any)'}, or no such repository (${status}); see ${page}/tree/main`;
    case 429:
      return `too many requests (429); try again in some minutes${hadToken || !isHub ? '' : ', or set HF_TOKEN, with which more is allowed'}`;
    default:
      return status >= 500
        ? `the server has trouble (${status}); try again later`
        : `unexpected answer ${status}; check the address`;
  }
}
