import { EventEmitter, once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPair, type Pair } from '../../src/models/pair.js';
import type { Server } from '../../src/serve/server.js';
import { chatPair } from '../support/chat-models.js';
import { CLEAN, MTAD, saying } from '../support/cli.js';
import { against, said, streaming } from '../support/other-server.js';
import { runInProcess } from '../support/run-in-process.js';
import { asked, CHAT, serving } from '../support/served.js';

const STORY = ['Once upon a time', '--seed', '5', '-n', '24'];
const CUT = 'mtad: the text was cut at --max-tokens 24; raise it for more\n';
const KEY = 'open sesame';
/** An environment without settings, which would be reported as not used. */
const OPEN = { MTAD_DRAFT_LENGTH: undefined };

let folder: string;
let pair: Pair;
let talking: Pair;
let server: Server;
let locked: Server; // of a model with a chat template
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-served-'));
  pair = await loadPair({ gpu: 'off' });
  talking = await loadPair({ ...(await chatPair(folder)), gpu: 'off' });
  server = await serving(pair);
  locked = await serving(talking, { apiKey: KEY });
});
afterAll(async () => {
  await Promise.all([server?.stop(), locked?.stop()]);
  await Promise.all([pair?.dispose(), talking?.dispose()]);
  await rm(folder, { recursive: true });
});

describe('mtad --url', () => {
  it('writes what the same command writes here', async () => {
    const [here, there] = [await runInProcess(STORY), await runInProcess([...STORY, '--url', server.url])];
    expect(there).toEqual({ exitCode: 0, stdout: here.stdout, stderr: CUT });
    expect((await runInProcess([...STORY, '--url', `${server.url}/v1/`, '--no-stream'])).stdout).toBe(
      here.stdout,
    );
  });

  it('--json has the keys of a text that is written here, --jsonl its events, --stats figures; -o a file', async () => {
    const url = ['--url', server.url];
    const file = join(folder, 'text.txt');
    const [here, there, lines, stats] = [
      JSON.parse((await runInProcess([...STORY, '--json'])).stdout),
      JSON.parse((await runInProcess([...STORY, ...url, '--json'])).stdout),
      await runInProcess([...STORY, ...url, '--jsonl']),
      await runInProcess([...STORY, ...url, '--stats', '-o', file]),
    ];
    for (const part of [here, there])
      for (const key of ['params', 'versions']) part[key] = Object.keys(part[key]).length > 1;
    expect(Object.keys(there)).toEqual(Object.keys(here));
    for (const key of ['text', 'finish_reason', 'prompt_tokens', 'completion_tokens'])
      expect(there[key]).toEqual(here[key]);
    expect(Object.keys(there.speculation)).toEqual(Object.keys(here.speculation));
    expect(there.speculation.accepted).toBe(here.speculation.accepted);
    expect(there.timing_ms.first_token).toBeGreaterThan(0);
    const events = lines.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type).join()).toMatch(/^start(,text){3,},end$/);
    expect(events.map(({ type, text }) => (type === 'text' ? text : '')).join('')).toBe(here.text);
    expect(await readFile(file, 'utf8')).toBe(here.text);
    expect(stats.stderr).toMatch(
      /: 24 tokens, [\d.]+ tokens\/s, .* drafted tokens accepted, .*ended by length\n$/,
    );
  });

  it('puts the prompt into the chat template there, if there is one; the key comes from the environment', async () => {
    const env = { MTAD_API_KEY: KEY };
    const args = ['Tell me a story.', '--seed', '1', '-n', '16', '--url', locked.url];
    const messages = [{ role: 'user', content: 'Tell me a story.' }];
    const open = await serving(talking);
    const answer = await asked(open, CHAT, { messages, seed: 1, max_tokens: 16, draft_length: 4 });
    await open.stop();
    const { content } = answer.choices[0].message;
    expect((await runInProcess([...args, '--api-key', KEY])).stdout).toBe(content);
    expect((await runInProcess([...args, '-q'], { env })).stdout).toBe(content);
    expect((await runInProcess([...args, '--raw'], { env })).stdout).not.toBe(content);
    expect((await runInProcess([...args, '-s', 'Be brief.'], { env })).stdout).not.toBe(content);
    expect(await runInProcess(args)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `mtad: ${locked.url}/v1/models answers 401: "An API key is needed: send Authorization: Bearer <key>"; --api-key gives the key\n`,
    });
  });

  it('sends a schema, and says where there is no chat template for a system text', async () => {
    const schema = '{"enum": ["yes", "no"]}';
    const { stdout } = await runInProcess(['Well?', '--json-schema', schema, '--url', server.url]);
    expect(['"yes"', '"no"']).toContain(stdout);
    const told = await runInProcess([...STORY, '-s', 'Be brief.', '--url', server.url]);
    expect(told).toMatchObject({ exitCode: 2, stdout: '' });
    expect(told.stderr).toMatch(/^mtad: \S+ answers 400: "\S+ has no chat template: .*"\n$/);
    const passed = await runInProcess([...STORY, '--url', server.url], { env: { MTAD_SYSTEM: 'Be brief.' } });
    expect(passed.stderr).toMatch(/^mtad: the system text of MTAD_SYSTEM is not used: .*\n/);
    expect(passed.exitCode).toBe(0);
    const long = await runInProcess(['a '.repeat(5000), '--url', server.url]);
    expect(long.stderr).toMatch(
      /^mtad: \S+ answers 400: "The prompt has at least \d+ tokens and the context holds [^"]*"\n$/,
    );
    expect(long.exitCode).toBe(5);
  });

  it.each([
    [['--threads', '1'], /^mtad: --threads is for texts that are written here, .*leave it out\n$/],
    [['--no-perplexity'], /^mtad: --no-perplexity is for texts/],
    [['--trace', 'steps.jsonl'], /^mtad: --trace is for texts/],
    [['--highlight'], /^mtad: --highlight is for texts/],
    [['--chat-template', 'chatml'], /^mtad: --chat-template is for texts/],
    [['--model', 'a.gguf'], /cannot be used with option '-m, --model <model>'/],
    [['--draft', 'lookup'], /^mtad: --draft is for texts .* with --url a server writes: leave it out\n$/],
    [['--pair', 'qwen3'], /cannot be used with option '--pair <name>'/],
    [['--url', 'box:8077'], /^mtad: --url must be an address such as http:.*, not "box:8077"\n$/],
    [
      ['--url', 'http://me:secret@box'],
      /^mtad: --url must hold no user and no password: --api-key gives a key\n$/,
    ],
    [['--api-key', 'open\nsesame'], /^mtad: --api-key holds a line break or another character that [^"]*\n$/],
  ])('refuses %j', async (args, line) => {
    const { exitCode, stdout, stderr } = await runInProcess([
      'Hello',
      '--url',
      'http://127.0.0.1:2',
      ...args,
    ]);
    expect(stderr).toMatch(line);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });

  it('a model of a flag is loaded here, whatever the environment says; a key without a server is refused', async () => {
    const env = { MTAD_URL: 'http://127.0.0.1:2' };
    expect(await runInProcess(['Hello', '-m', '/no/such.gguf'], { env })).toMatchObject({ exitCode: 3 });
    for (const args of [
      ['--threads', '1'],
      ['-d', 'lookup'],
    ])
      expect((await runInProcess(['Hello', ...args], { env })).stderr).toMatch(
        /^mtad: --(threads|draft) is for texts that .* with --url of MTAD_URL a server writes: leave it out, or add --no-url\n$/,
      );
    const needless = await runInProcess(['Hello', '--api-key', 'secret']);
    expect(needless.stderr).toMatch(/^mtad: --api-key is for a server, which --url names/);
  });
});

describe('mtad --url, where the server is another program', () => {
  const END = [said('', { finish_reason: 'stop' })];

  it('sends what it is known to heed, refuses a flag beside that, and says what it leaves out', async () => {
    const bodies: unknown[] = [];
    const onBody = (body: unknown) => void bodies.push(body);
    const run = (owner: string, args: readonly string[], env = {}) =>
      against(streaming([said('Hi'), ...END], { owner, onBody }), (url) =>
        runInProcess(['Hello', '--url', url, ...args], { env: { MTAD_DRAFT_LENGTH: undefined, ...env } }),
      );
    expect(await run('llamacpp', ['--top-k', '40', '--seed', '3'])).toMatchObject({
      stdout: 'Hi',
      stderr: '',
    });
    expect(bodies).toEqual([
      {
        messages: [{ role: 'user', content: 'Hello' }],
        model: 'a-model',
        top_k: 40,
        seed: 3,
        stream: true,
        stream_options: { include_usage: true },
      },
    ]);
    const refused = await run('me', ['--threshold', '0.3']);
    expect(refused.stderr).toMatch(
      /^mtad: The server at \S+ is not known to heed --threshold, .*leave it out\n$/,
    );
    expect(refused.exitCode).toBe(2);
    const passed = await run('me', ['--served-model', 'other'], { MTAD_THRESHOLD: '0.3' });
    expect(passed).toMatchObject({ exitCode: 0, stdout: 'Hi' });
    expect(passed.stderr).toMatch(/^mtad: --threshold of MTAD_THRESHOLD is not used: .*\n$/);
    expect(bodies[1]).toMatchObject({ model: 'other' });
    expect(bodies[1]).not.toHaveProperty('threshold');
    const schema = ['--raw', '--json-schema', '{"type": "integer"}'];
    expect(await run('llamacpp', schema)).toMatchObject({ exitCode: 0 });
    expect(bodies[2]).toMatchObject({ prompt: 'Hello', json_schema: { type: 'integer' } });
    expect((await run('me', schema)).stderr).toMatch(/ is not known to heed --json-schema, /);
    expect(await run('me', schema.slice(1))).toMatchObject({ exitCode: 0 });
    expect(bodies[3]).toMatchObject({ response_format: { type: 'json_schema' } });
  });

  it('keeps the text beside figures that it does not know', async () => {
    const { stdout, exitCode } = await against(
      streaming([said('A'), { ...said('B'), timings: 'x', usage: 7 }, ...END]),
      (url) => runInProcess(['Hello', '--url', url], { env: OPEN }),
    );
    expect({ stdout, exitCode }).toEqual({ stdout: 'AB', exitCode: 0 });
  });

  it('has any word for the end of a text, of which the figures show the beginning', async () => {
    const finish_reason = `interrupted ${'x'.repeat(1000)}`;
    const run = (word: string) =>
      against(streaming([said('A', { finish_reason: word })]), (url) =>
        runInProcess(['Hello', '--url', url, '--stats'], { env: OPEN }),
      );
    expect((await run(finish_reason)).stderr.length).toBeLessThan(500);
    expect(await run('interrupted')).toMatchObject({ stdout: 'A', exitCode: 0 });
  });

  it('gets the query of its address, and nobody sees it', async () => {
    const seen: (string | undefined)[] = [];
    const answer = streaming([said('Hi'), ...END]);
    const { stdout, stderr } = await against(
      (request, response) => {
        seen.push(request.url);
        answer(request, response);
      },
      (url) => runInProcess(['Hello', '--url', `${url}/v1?key=secret`, '--json', '--stats'], { env: OPEN }),
    );
    expect(seen).toEqual(['/v1/models?key=secret', '/v1/chat/completions?key=secret']);
    expect(JSON.parse(stdout).params.url).toMatch(/^http:\/\/127.0.0.1:\d+\/v1$/);
    expect(stdout + stderr).not.toContain('secret');
  });

  it('leads elsewhere: nobody else is asked', async () => {
    const seen: unknown[] = [];
    await against(
      ({ url }, answer) => {
        seen.push(url);
        answer.end('{}');
      },
      async (other) => {
        const { exitCode, stderr } = await against(
          (_, answer) => answer.writeHead(302, { Location: `${other}/v1` }).end(),
          (url) => runInProcess(['Hello', '--url', url, '--api-key', KEY], { env: OPEN }),
        );
        expect(stderr).toMatch(/^mtad: \S+ answers 302\n$/);
        expect(exitCode).toBe(2);
      },
    );
    expect(seen).toEqual([]);
  });

  it('gives the terminal no commands by its names', async () => {
    const hostile = '\u001b]52;c;aGk=\u0007';
    const answer = streaming([said('Hi', { finish_reason: hostile })], { model: hostile });
    const args = (url: string) => ['Hello', '--url', url, '--stats'];
    const { stderr } = await against(answer, (url) => runInProcess(args(url), { env: OPEN }));
    expect(stderr).toMatch(/^]52;c;aGk= at .*ended by ]52;c;aGk=\n$/);
    expect(stderr).not.toContain('\u001b');
  });

  it('shows its reasoning before the answer, or not', async () => {
    const thinking = { choices: [{ delta: { reasoning_content: 'Hm.' } }] };
    const answer = streaming([thinking, said('Yes'), said('.', { finish_reason: 'stop' })]);
    const run = (...args: string[]) =>
      against(answer, (url) => runInProcess(['Hello', '--url', url, ...args], { env: OPEN }));
    expect((await run()).stdout).toBe('Hm.\n\nYes.');
    expect((await run('--hide-reasoning')).stdout).toBe('Yes.');
    expect(JSON.parse((await run('--json')).stdout)).toMatchObject({
      text: 'Hm.\n\nYes.',
      reasoning: 'Hm.\n\n',
      completion_tokens: null,
      finish_reason: 'stop',
    });
    const late = streaming([thinking, said('Yes'), thinking, said('.', { finish_reason: 'stop' })]);
    const { stdout } = await against(late, (url) =>
      runInProcess(['Hello', '--url', url, '--jsonl'], { env: OPEN }),
    );
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ type, text }) => (type === 'text' ? text : '')).join('')).toBe(events.at(-1).text);
    expect(events.at(-1)).toMatchObject({ text: 'Hm.\n\nYesHm..', reasoning: 'Hm.\n\n' });
  });

  const status =
    (code: number, body: string, type = 'application/json'): RequestListener =>
    (_, answer) =>
      answer.writeHead(code, { 'Content-Type': type }).end(body);
  const error = (message: string) => JSON.stringify({ error: { message } });

  it.each<[string, RequestListener, number, string, RegExp]>([
    [
      '404',
      status(404, '<h1>Not\nfound</h1>', 'text/html'),
      2,
      '',
      /\/v1\/chat\/completions answers 404: "<h1>Not found<\/h1>"; --url is the address/,
    ],
    [
      '503',
      status(503, error('Loading model')),
      1,
      '',
      /answers 503: "Loading model"; try again later \(-v tells more\)\n$/,
    ],
    [
      'a long prompt',
      status(
        400,
        JSON.stringify({ error: { code: 400, message: 'Too long', type: 'exceed_context_size_error' } }),
      ),
      5,
      '',
      /answers 400: "Too long"\n$/,
    ],
    [
      "vLLM's word for a long prompt",
      status(
        400,
        JSON.stringify({
          error: {
            message:
              "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens in the messages, Please reduce the length of the messages.",
            type: 'BadRequestError',
            param: null,
            code: 400,
          },
        }),
      ),
      5,
      '',
      /answers 400: "This model's maximum context length is 4096 tokens\. [^"]*"\n$/,
    ],
    [
      'the same of its releases before',
      status(
        400,
        JSON.stringify({
          object: 'error',
          message: 'The decoder prompt (length 5000) is longer than the maximum model length of 4096.',
          type: 'BadRequestError',
          code: 400,
        }),
      ),
      5,
      '',
      /answers 400: "The decoder prompt \(length 5000\) is longer [^"]*"\n$/,
    ],
    ['500', status(500, error('Oops')), 1, '', /answers 500: "Oops"/],
    [
      'a page',
      status(200, '<p>Hello</p>', 'text/html'),
      1,
      '',
      /is no server of OpenAI's interface: its list of models is no JSON/,
    ],
    ['JSON', status(200, '{}'), 1, '', /: it answers with "application\/json" and not with events/],
    [
      'events without JSON',
      streaming([said('So ')], { end: 'data: Hello\n\n' }),
      1,
      'So ',
      /: an event is no JSON/,
    ],
    [
      'an error in the middle',
      streaming([said('So '), { error: { message: 'no memory' } }]),
      1,
      'So ',
      /The server at \S+ failed: "no memory"/,
    ],
    [
      'a lost connection',
      streaming([said('So '), said('far')], { end: 'lost' }),
      1,
      'So far',
      /The connection to \S+ broke off: /,
    ],
    [
      'an error of many lines',
      streaming([{ error: { message: `no memory\nmtad: \`threads\` ${'x'.repeat(1000)}` } }]),
      1,
      '',
      /^mtad: The server at \S+ failed: "no memory mtad: `threads` x{200,300}" /,
    ],
    [
      'an error without a message',
      streaming([said('So '), { error: { code: 7 } }]),
      1,
      'So ',
      /failed: "\{\\"code\\":7\}"/,
    ],
    [
      'a text of another kind',
      streaming([said('So '), { choices: [{ delta: { content: ['far'] } }] }]),
      1,
      'So ',
      /is no server of OpenAI's interface: the choices of an event hold no text/,
    ],
    [
      'a list of models that breaks off',
      (_, answer) => {
        answer.writeHead(200, { 'Content-Length': 100 }).write('{"data":');
        setTimeout(() => answer.destroy(), 20);
      },
      1,
      '',
      /^mtad: The connection to \S+ broke off: /,
    ],
    ['an early end', streaming([said('So far')], { end: '' }), 1, 'So far', /ended before the text did/],
  ])('%s: one line, and the text so far stays', async (_, answer, code, text, line) => {
    const ended = await against(answer, (url) => runInProcess(['Hello', '--url', url], { env: OPEN }));
    expect(ended.stderr).toMatch(line);
    expect(ended.stderr).toMatch(/^mtad: .*\n$/);
    expect(ended).toMatchObject({ exitCode: code, stdout: text });
  });

  it('a lost connection: --json and --jsonl tell it with the text so far', async () => {
    for (const format of ['--json', '--jsonl']) {
      const lost = streaming([said('So '), said('far')], { end: 'lost' });
      const { stdout, stderr, exitCode } = await against(lost, (url) =>
        runInProcess(['Hello', '--url', url, format], { env: OPEN }),
      );
      expect(JSON.parse(stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({
        text: 'So far',
        finish_reason: 'error',
        completion_tokens: null,
        error: expect.stringMatching(/^The connection to \S+ broke off: /),
      });
      expect(stderr).toMatch(/^mtad: The connection to \S+ broke off: .*\n$/);
      expect(exitCode).toBe(1);
    }
  });

  it('nobody there: one line', async () => {
    const { exitCode, stderr } = await runInProcess(['Hello', '--url', 'http://127.0.0.1:2']);
    expect(stderr).toMatch(
      /^mtad: No server answers at http:\/\/127.0.0.1:2\/v1: connect ECONNREFUSED \S+ \(mtad serve starts one\).*\n$/,
    );
    expect(exitCode).toBe(1);
  });

  it('Ctrl-C: the text so far stays, and JSON says so', async () => {
    const answer = streaming([said('So far')], { end: 'open' });
    const asking = new EventEmitter();
    const interrupted = (...args: string[]) =>
      against(answer, async (url) => {
        const child = execa(process.execPath, [...MTAD, 'Hello', '--url', url, ...args], {
          stdin: 'ignore',
          reject: false,
          env: { ...CLEAN, ...OPEN } as NodeJS.ProcessEnv,
        });
        await saying(child.stdout!, /So far/);
        child.kill('SIGINT');
        return child;
      });
    const early = against(
      (_, answer) => {
        answer.writeHead(200).write('{"data":');
        asking.emit('begun');
      },
      async (url) => {
        const child = execa(
          process.execPath,
          [...MTAD, 'Hello', '--url', url, '--json', '--threshold', '0.4'],
          {
            stdin: 'ignore',
            reject: false,
            env: { ...CLEAN, ...OPEN } as NodeJS.ProcessEnv,
          },
        );
        await once(asking, 'begun');
        child.kill('SIGINT');
        return child;
      },
    );
    const [plain, lines, list] = await Promise.all([interrupted(), interrupted('--jsonl'), early]);
    expect(list.exitCode).toBe(130);
    expect(JSON.parse(list.stdout)).toMatchObject({ text: '', finish_reason: 'interrupted' });
    expect(plain).toMatchObject({ exitCode: 130, stdout: 'So far', stderr: '' });
    expect(lines.exitCode).toBe(130);
    expect(JSON.parse(lines.stdout.split('\n').at(-1)!)).toMatchObject({
      type: 'end',
      text: 'So far',
      finish_reason: 'interrupted',
    });
  });
});
