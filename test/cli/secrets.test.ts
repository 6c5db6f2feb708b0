import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import type { Server } from '../../src/serve/server.js';
import { embeddedPair } from '../support/embedded-pair.js';
import { against, said, streaming } from '../support/other-server.js';
import { type InProcessOptions, runInProcess } from '../support/run-in-process.js';
import { COMPLETIONS, post, serving } from '../support/served.js';

/** Part of every secret here, and of nothing else. */
const MARK = 'sesame';
const KEY = `sk-${MARK}-"\\1`; // JSON writes it otherwise

/** All places of the environment where a secret can be. */
const SECRETS = {
  HF_TOKEN: `hf_${MARK}`,
  MTAD_API_KEY: undefined as string | undefined,
  MTAD_DRAFT_LENGTH: undefined,
};
const TARGET = ['-d', EMBEDDED_PAIR.draft, '-n', '4', '-t', '1'];

let folder: string;
let own: Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-secrets-'));
  own = await serving(await embeddedPair(), { apiKey: KEY });
});
afterAll(async () => {
  await own?.stop();
  await rm(folder, { recursive: true });
});

/** Answers that repeat the key which they got. */
const repeating =
  (answer: (key: string) => { status: number; body: string; type?: string }): RequestListener =>
  ({ headers, method }, response) => {
    const { status, body, type = 'application/json' } = answer(headers.authorization ?? '');
    const isList = status === 200 && method === 'GET';
    response.writeHead(status, { 'content-type': isList ? 'application/json' : type });
    response.end(isList ? '{"data": [{"id": "a-model"}]}' : body);
  };
const refusing = (status: number) =>
  repeating((key) => ({
    status,
    body: JSON.stringify({ error: { message: `Wrong key: ${key}`, code: 'wrong' } }),
  }));
const SERVERS: Record<string, RequestListener> = {
  'that writes': streaming([said('Hi', { finish_reason: 'stop' })]),
  'that refuses the key': refusing(401),
  'that fails': refusing(500),
  'that is busy': refusing(503),
  'that is a proxy': repeating((key) => ({ status: 502, body: `<p>${key}</p>`, type: 'text/html' })),
  'of other answers': repeating((key) => ({
    status: 200,
    body: key,
    type: `text/plain; ${key.slice(0, 14)}`,
  })),
  'of events that are no JSON': repeating((key) => ({
    status: 200,
    body: `data: ${key}\n\n`,
    type: 'text/event-stream',
  })),
  'that fails amid a text': repeating((key) => ({
    status: 200,
    body: `data: ${JSON.stringify({ error: { message: key } })}\n\n`,
    type: 'text/event-stream',
  })),
};

/** Lines that have a secret. */
const telling = (text: string) => text.split('\n').filter((line) => line.includes(MARK));

/** Runs a command line as it is and with -v, and looks through all that it says and writes. */
async function expectNoSecret(args: readonly string[], options: InProcessOptions = {}): Promise<number> {
  let code = 0;
  for (const more of [[], ['-v']]) {
    const { stdout, stderr, exitCode } = await runInProcess([...args, ...more], options);
    expect(telling(stdout + stderr)).toEqual([]);
    code = exitCode;
  }
  for (const name of await readdir(folder))
    if (!name.startsWith('given'))
      expect(telling(await readFile(join(folder, name), 'utf8')), name).toEqual([]);
  return code;
}

test.each(Object.keys(SERVERS))('a server %s: no output has its key', async (which) => {
  await against(SERVERS[which]!, async (url) => {
    const env = { ...SECRETS, MTAD_API_KEY: KEY };
    const at = `${url}/v1?key=${MARK}`;
    const first = await expectNoSecret(['Hello', '--url', at, '--json', '--stats'], { env });
    expect(first === 0).toBe(which === 'that writes');
    await expectNoSecret(['Hello', '--url', at, '--api-key', KEY, '--jsonl'], { env: SECRETS });
    const input = `Hello\n/save ${join(folder, 'talk.json')}\n/stats\n`;
    await expectNoSecret(['chat', '--url', at, '--stats'], { env, input });
  });
});

test.each(['that refuses the key', 'that fails', 'that is a proxy', 'of other answers'])(
  'a target on a server %s: no output has its key',
  async (which) => {
    await against(SERVERS[which]!, async (url) => {
      const args = ['Hello', '--target-url', `${url}?key=${MARK}`, ...TARGET];
      expect(await expectNoSecret(args, { env: { ...SECRETS, MTAD_TARGET_KEY: KEY } })).not.toBe(0);
    });
  },
);

test('a text of a target elsewhere, its figures, trace and page', async () => {
  const [trace, page] = [join(folder, 'steps.jsonl'), join(folder, 'page.html')];
  const env = { ...SECRETS, MTAD_TARGET_KEY: KEY };
  const at = ['--target-url', `${own.url}?key=${MARK}`];
  expect(await expectNoSecret(['Once', ...at, ...TARGET, '--json', '--trace', trace], { env })).toBe(0);
  expect((await runInProcess(['explain', trace, '-o', page], { env })).exitCode).toBe(0);
  expect(telling(await readFile(page, 'utf8'))).toEqual([]);
});

test.each([
  ['{"max_tokens": 2}', KEY],
  ['{"max_tokens": 2', KEY],
  ['{"max_tokens": -2}', KEY],
  ['{}', `${MARK} and more`],
])('mtad serve answers %s without a key', async (body, key) => {
  const response = await post(own, COMPLETIONS, body, { headers: { Authorization: `Bearer ${key}` } });
  expect((await response.text()) + JSON.stringify([...response.headers])).not.toContain(MARK);
});

test('metrics, models and health of mtad serve', async () => {
  const headers = { Authorization: `Bearer ${KEY}` };
  for (const path of ['/metrics', '/v1/models', '/health', '/nowhere'])
    expect(await (await fetch(own.url + path, { headers })).text()).not.toContain(MARK);
});

/** Wrong words beside a secret, as people type them. */
test.each<[string, readonly string[], string?]>([
  ['a flag that is misspelt', ['Hello', `--api-kye=${MARK}`]],
  ['llama.cpp’s flag for the hub', ['Hello', '--hf-token', MARK]],
  ['its other form', ['Hello', `--hf-token=${MARK}`]],
  ['a key without a server', ['Hello', '--api-key', MARK]],
  ['a key of two lines', ['Hello', '--url', 'http://127.0.0.1:2', '--api-key', `${MARK}\n${MARK}`]],
  [
    'a target’s key of two lines',
    ['Hello', '--target-url', 'http://127.0.0.1:2', ...TARGET, '--target-key', `a\n${MARK}`],
  ],
  ['an address with a password', ['Hello', '--url', `http://me:${MARK}@127.0.0.1:2`]],
  ['a password in what is no address', ['Hello', '--url', `me:${MARK}@box`]],
  ['a target with a password', ['Hello', '--target-url', `http://${MARK}@box`, ...TARGET]],
  ['a model with a password', ['Hello', '-m', `http://me:${MARK}@127.0.0.1:2/a.gguf?sign=${MARK}`]],
  ['a model that is not there', ['pull', `http://127.0.0.1:2/a.gguf?sign=${MARK}#${MARK}`]],
  ['a model offline', ['Hello', '--offline', '-m', `http://127.0.0.1:2/a.gguf?sign=${MARK}`]],
  ['mtad config', ['config', '--json', '--target-url', `http://box?key=${MARK}`, '--target-key', MARK]],
  ['its table', ['config', 'serve', '--api-key', MARK]],
  ['a settings file', ['config', '--json'], `api-key = "${MARK}"\ntarget-key = "${MARK}"\n`],
  ['a settings file that is no TOML', ['Hello'], `api-key = "${MARK}\n`],
  ['another', ['Hello'], `api-key = ${MARK}\n`],
  ['a key that is a list', ['Hello'], `api-key = ["${MARK}"]\n`],
  ['a key that is a table', ['Hello'], `api-key = { is = "${MARK}" }\n`],
  ['a hub with a password', ['pull', 'hf:me/a', '--models-dir', '/no/such']],
])('%s: no output has the secret', async (what, args, toml) => {
  const file = join(folder, 'given.toml');
  await writeFile(file, toml ?? '');
  const hub = what.startsWith('a hub') ? { HF_ENDPOINT: `http://me:${MARK}@127.0.0.1:2` } : {};
  await expectNoSecret(args, { env: { ...SECRETS, ...hub, MTAD_CONFIG: toml === undefined ? '' : file } });
});
