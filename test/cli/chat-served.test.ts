import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { execa, type ResultPromise } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chatPair } from '../support/chat-models.js';
import { CLEAN, MTAD, mtadOnTerminal, saying } from '../support/cli.js';
import { against, said, streaming } from '../support/other-server.js';
import { runInProcess } from '../support/run-in-process.js';

const OPEN = { MTAD_DRAFT_LENGTH: undefined };
const PROMPT = /> .\[3G$/;
const CTRL_C = '\x03';
const CTRL_D = '\x04';

let folder: string;
let models: string[];
let server: Pick<ResultPromise, 'kill' | 'stderr'>;
let url: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-chat-served-'));
  const { model, draft } = await chatPair(folder);
  models = ['-m', model, '-d', draft, '-t', '1'];
  server = execa(process.execPath, [...MTAD, 'serve', '--port', '0', ...models], {
    stdin: 'ignore',
    reject: false,
    env: CLEAN as NodeJS.ProcessEnv,
  });
  let line = '';
  server.stderr!.on('data', (chunk) => {
    line += chunk;
  });
  await saying(server.stderr!, /listening on .*\n/);
  url = /http:\/\/[\d.:]+/.exec(line)![0];
});
afterAll(async () => {
  server?.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

const talk = (lines: readonly string[], args: readonly string[] = [], at = url) =>
  runInProcess(['chat', '--url', at, ...args], { input: `${lines.join('\n')}\n`, env: OPEN });

const messagesOf = async (file: string) => JSON.parse(await readFile(file, 'utf8')).messages;

describe('mtad chat --url', () => {
  test('answers as the same conversation here, and goes on with it; /save, --load, /retry and /undo', async () => {
    const [here, there] = [join(folder, 'here.json'), join(folder, 'there.json')];
    const args = ['--seed', '1', '-n', '20', '-s', 'Be brief'];
    const asked = (file: string) => ['Tell me a story', `/save ${file}`];
    await runInProcess(['chat', ...models, ...args], { input: `${asked(here).join('\n')}\n` });
    const { stdout, stderr, exitCode } = await talk(
      [...asked(there), 'And then?', '/retry', '/undo', '/undo', '/stats'],
      [...args, '--stats'],
    );
    expect(exitCode).toBe(0);
    const saved = await messagesOf(there);
    expect(saved).toEqual(await messagesOf(here));
    const [first, second, again] = stdout.split('\n');
    expect(saved[2].content.trim()).toBe(first!.trim());
    expect(again).not.toBe(second);
    expect(stderr).toMatch(/^20 tokens, [\d.]+ tokens\/s, prompt \d+ tokens, .*ended by length$/m);
    expect(stderr).toMatch(/^conversation: 1 messages, with http:\S+\/v1$/m);
    const loaded = await talk(['And then?'], ['--seed', '2', '-n', '20', '--load', there]);
    expect(loaded).toEqual({
      exitCode: 0,
      stdout: `${second}\n`,
      stderr: 'mtad: the text was cut at --max-tokens 20; raise it for more\n',
    });
  });

  test.each([
    [['/continue'], [], /^mtad: There is no answer yet\n$/],
    [['/retry'], [], /^mtad: There is no question yet\n$/],
    [['/set colour red'], [], /no setting "colour"/],
    [['/set threshold 2'], [], /\/set threshold 2 is invalid/],
    [[], ['--highlight'], /^mtad: --highlight is for texts that are written here, .*leave it out\n$/],
    [[], ['--learn', 'a.corpus'], /^mtad: --learn is for texts/],
    [[], ['--threads', '1'], /^mtad: --threads is for texts/],
  ])('%j %j: one line, exit code 2', async (lines, args, line) => {
    const { stdout, stderr, exitCode } = await talk(lines, args);
    expect(stderr).toMatch(line);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
  });

  test('/set changes what is sent, and shows what is left to the server', async () => {
    const { stderr, stdout } = await talk(
      ['/set max-tokens', '/set max-tokens 3', '/set strategy speculative', 'Tell me a story', '/stats'],
      ['--seed', '1'],
    );
    expect(stderr).toMatch(/^max-tokens = "the server's"\nmax-tokens = 3\nstrategy = "speculative"\n/);
    expect(stderr).toMatch(/: 3 tokens, .*ended by length\n/);
    expect(stdout.trim().split(' ').length).toBeLessThan(5);
  });

  test('/continue goes on with an answer that was cut off, as where it is written, and with none that came to its end', async () => {
    const [here, there] = [join(folder, 'on-here.json'), join(folder, 'on-there.json')];
    const args = [
      '--seed',
      '1',
      '-n',
      '10',
      '--ignore-eos',
      '--temperature',
      '0',
      '--strategy',
      'autoregressive',
    ];
    const lines = (file: string) => ['Tell me a story', '/continue', '/continue', `/save ${file}`];
    await runInProcess(['chat', ...models, ...args], { input: `${lines(here).join('\n')}\n` });
    const { exitCode } = await talk(lines(there), args);
    expect(exitCode).toBe(0);
    expect(await messagesOf(there)).toEqual(await messagesOf(here));
    const ended = await talk(['Tell me a story', '/continue'], ['--seed', '1', '--stop', 'e']);
    expect(ended.stderr).toBe('mtad: There is nothing to continue: the last answer was not cut off\n');
  });

  test('drops the oldest questions and says so where the context there is full, or stops if asked to', async () => {
    const file = join(folder, 'dropped.json');
    const ask = (n: number) => `Tell me story ${n}${' and another one'.repeat(25)}`;
    const questions = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(ask);
    const args = ['--seed', '1', '-n', '20'];
    const { stderr, exitCode } = await talk([...questions, `/save ${file}`], args);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^mtad: the context is full: the oldest .* dropped, with what was answered$/m);
    const asked = (await messagesOf(file)).map(({ content }: { content: string }) => content);
    expect(asked).not.toContain(ask(1));
    expect(asked.at(-2)).toBe(ask(9));
    const stopped = await talk(questions, [...args, '--context-policy', 'stop']);
    expect(stopped.exitCode).not.toBe(0);
    expect(stopped.stderr).not.toMatch(/dropped/);
    expect(stopped.stderr).toMatch(/^mtad: \S+ answers 400: /m);
  });

  /** Each of these is typed once the screen shows what it waits for. */
  test('on a terminal: Ctrl-C stops the answer alone, a server that is gone loses no word', async () => {
    const file = join(folder, 'kept.json');
    const run = mtadOnTerminal(['chat', '--url', url, '--ignore-eos', '--strategy', 'mtjd'], {
      stdin: 'pipe',
      columns: 40,
      env: OPEN,
    });
    const type = async (when: RegExp, what: string) => {
      await saying(run.stdout, when);
      run.stdin!.write(what);
    };
    await type(PROMPT, 'Tell me a story\r');
    await type(/story\s[\s\S]*[a-z] [a-z]+ [a-z]/, CTRL_C);
    await type(PROMPT, '/continue\r');
    await type(/continue\s[\s\S]*[a-z] [a-z]+ [a-z]/, CTRL_C);
    await type(PROMPT, 'And then?\r');
    await saying(run.stdout, /then\?\s[\s\S]*[a-z] [a-z]+ [a-z]/);
    server.kill('SIGKILL');
    await type(PROMPT, '/retry\r');
    await type(PROMPT, `/save ${file}\r`);
    await type(PROMPT, CTRL_D);
    const { stdout, exitCode } = await run;
    run.stdin!.end();
    const screen = stripVTControlCharacters(stdout);
    expect(exitCode).toBe(0);
    const ends =
      /ended by interrupted[\s\S]*\/continue\s[\s\S]*?[a-z] [a-z]+ [a-z][\s\S]*ended by interrupted/;
    expect(screen).toMatch(ends);
    expect(screen).toMatch(/\S\r?\nmtad: The connection to \S+ broke off: [^\n]*; \/retry asks once more/);
    expect(screen).toMatch(/mtad: No server answers at/);
    expect(screen).toContain('saved 4 messages');
    const [, , , { content }] = await messagesOf(file);
    const words = (text: string) => text.replace(/\s+/g, ' ').trim();
    expect(words(screen)).toContain(words(content));
  });
});

describe('mtad chat --url, where the server is another program', () => {
  test('sends the whole conversation, each time with the next seed, and no reasoning to whom it may not suit', async () => {
    const bodies: { seed: number; messages: unknown[] }[] = [];
    const thinking = { choices: [{ delta: { reasoning_content: 'Hm.' } }] };
    const answers = (owner: string) =>
      streaming([thinking, said('Yes'), said('.', { finish_reason: 'stop' })], {
        owner,
        onBody: (body) => void bodies.push(body as never),
      });
    const run = (owner: string) =>
      against(answers(owner), (at) => talk(['One', 'Two'], ['--seed', '4294967295', '-s', 'Be brief'], at));
    expect(await run('me')).toEqual({ exitCode: 0, stdout: 'Hm.\n\nYes.\nHm.\n\nYes.\n', stderr: '' });
    expect(bodies.map(({ seed }) => seed)).toEqual([4294967295, 0]);
    expect(bodies[1]!.messages).toEqual([
      { role: 'system', content: 'Be brief' },
      { role: 'user', content: 'One' },
      { role: 'assistant', content: 'Yes.' },
      { role: 'user', content: 'Two' },
    ]);
    await run('llamacpp');
    expect(bodies[3]!.messages[2]).toEqual({ role: 'assistant', content: 'Yes.', reasoning_content: 'Hm.' });
    const refused = await against(answers('me'), (at) => talk(['/set top-k 5'], [], at));
    expect(refused.stderr).toMatch(/^mtad: The server at \S+ is not known to heed --top-k, .*\n$/);
    expect(refused.exitCode).toBe(2);
  });

  test('/continue sends the answer as the last message where the server is known to go on with it', async () => {
    const bodies: { messages: unknown[] }[] = [];
    const run = (owner: string) => {
      const onBody = (body: unknown) => void bodies.push(body as never);
      const cut = streaming([said(' on', { finish_reason: 'length' })], { owner, onBody });
      return against(cut, (at) => talk(['One', '/continue', 'Two'], [], at));
    };
    expect((await run('llamacpp')).exitCode).toBe(0);
    const [question, answer] = [
      { role: 'user', content: 'One' },
      { role: 'assistant', content: ' on' },
    ];
    expect(bodies[1]!.messages).toEqual([question, answer]);
    expect(bodies[2]!.messages[1]).toEqual({ role: 'assistant', content: ' on on' });
    const unknown = await run('me');
    expect(unknown.stderr).toMatch(/^mtad: The server at \S+ is not known to go on with an answer, /m);
    expect(unknown.exitCode).toBe(2);
  });

  test('a question without an answer is asked again by /retry; an answer that breaks off replaces none', async () => {
    const file = join(folder, 'asked-again.json');
    const busy: RequestListener = (_, answer) => answer.writeHead(503).end();
    const whole = streaming([said('Whole', { finish_reason: 'stop' })]);
    const cut = streaming([said('Cut')], { end: 'lost' });
    const turns = [busy, whole, cut];
    const served: RequestListener = (request, answer) =>
      (request.method === 'GET' ? whole : turns.shift()!)(request, answer);
    const { stdout, exitCode } = await against(served, async (at) => {
      const run = mtadOnTerminal(['chat', '--url', at], { stdin: 'pipe', env: OPEN });
      for (const line of ['One', '/retry', '/retry', `/save ${file}`, '/bye']) {
        await saying(run.stdout, PROMPT);
        run.stdin!.write(`${line}\r`);
      }
      const ended = await run;
      run.stdin!.end();
      return ended;
    });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/answers 503; try again later; \/retry[\s\S]*Whole[\s\S]*Cut[\s\S]*broke off/);
    expect(await messagesOf(file)).toEqual([
      { role: 'user', content: 'One' },
      { role: 'assistant', content: 'Whole' },
    ]);
  });

  test('/save writes what can be loaded, up to the last byte, and leaves the file that was there else', async () => {
    const [largest, file] = [join(folder, 'largest.json'), join(folder, 'grown.json')];
    const answers = streaming([said('Yes', { finish_reason: 'stop' })]);
    await against(answers, (at) => talk(['One', `/save ${file}`], [], at));
    const short = await readFile(file, 'utf8');
    await writeFile(largest, short.replace('Yes', 'Y'.repeat(2 ** 24 - Buffer.byteLength(short) + 3)));
    const resaved = await against(answers, (at) =>
      talk([`/load ${largest}`, `/save ${file}`, 'Two', `/save ${file}`], [], at),
    );
    expect(resaved.stderr).toMatch(
      /^loaded 2 .*\nsaved 2 .*\nmtad: Cannot save \S+: it would have \d+ bytes, and 16777216 can be loaded; \/undo .*\n$/,
    );
    expect(resaved.exitCode).toBe(2);
    expect((await readFile(file)).equals(await readFile(largest))).toBe(true);
  });

  test('through a pipe a server that breaks off ends it with 1, and the text so far stays; nobody there: 1', async () => {
    const cut = streaming([said('So far')], { end: 'lost' });
    const { stdout, stderr, exitCode } = await against(cut, (at) => talk(['One', 'Two'], [], at));
    expect({ stdout, exitCode }).toEqual({ stdout: 'So far\n', exitCode: 1 });
    expect(stderr).toMatch(/^mtad: The connection to \S+ broke off: .*\n$/);
    const nobody = await talk(['One'], [], 'http://127.0.0.1:2');
    expect(nobody.stderr).toMatch(/^mtad: No server answers at /);
    expect(nobody.exitCode).toBe(1);
  });
});
