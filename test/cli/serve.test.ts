import { expect, test } from 'vitest';
import { saying } from '../support/cli.js';
import { runInProcess } from '../support/run-in-process.js';
import { COMPLETIONS, FIXED } from '../support/served.js';
import { started } from '../support/served-process.js';

const ask = (url: string, more: object, headers: Record<string, string> = {}) =>
  fetch(url + COMPLETIONS, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ ...FIXED, prompt: 'Once upon a time', ...more }),
  });

test('SIGTERM: the text that is being written comes to its end; a line says where it listens, standard output is empty', async () => {
  const { child, url } = await started([]);
  const response = await ask(url, { max_tokens: 200, stream: true });
  const reader = response.body!.getReader();
  await reader.read();
  child.kill('SIGTERM');
  let rest = '';
  for (let read = await reader.read(); !read.done; read = await reader.read())
    rest += Buffer.from(read.value).toString();
  expect(rest).toMatch(/"finish_reason":"(stop|length)".*\n\ndata: \[DONE\]\n\n$/s);
  const { exitCode, stdout, stderr } = await child;
  expect(stderr).toBe(
    `mtad: listening on ${url}/v1 (Ctrl-C stops)\nmtad: stopping; texts have 10 s to come to their end\n`,
  );
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
});

test('a client that leaves says nothing, a second Ctrl-C ends at once; key and settings come from the environment', async () => {
  const { child, url } = await started([], { MTAD_API_KEY: 'secret', MTAD_MAX_TOKENS: '3' });
  expect((await ask(url, {})).status).toBe(401);
  const key = { Authorization: 'Bearer secret' };
  const short = (await (await ask(url, { max_tokens: null }, key)).json()) as { usage: object };
  expect(short.usage).toMatchObject({ completion_tokens: 3 });
  await (await ask(url, { max_tokens: 50, stream: true }, key)).body!.cancel();
  await (await ask(url, { max_tokens: 900, ignore_eos: true, stream: true }, key)).body!.getReader().read();
  child.kill('SIGINT');
  await saying(child.stderr!, /stopping/);
  child.kill('SIGINT');
  const { signal, stdout, stderr } = await child;
  expect(stderr.split('\n')).toEqual([
    `mtad: listening on ${url}/v1 (Ctrl-C stops)`,
    expect.stringMatching(/^mtad: stopping/),
    '',
  ]);
  expect({ signal, stdout }).toEqual({ signal: 'SIGINT', stdout: '' });
});

test('what is wrong is told before a model is looked for', async () => {
  const model = ['--model', '/no/such/model.gguf', '--strategy', 'autoregressive'];
  for (const [args, line] of [
    [
      ['--host', '0.0.0.0'],
      'mtad: --host 0.0.0.0 may be reached from other machines: give an --api-key too\n',
    ],
    [['--parallel', '3', '--caches', '2'], 'mtad: --caches must be at least --parallel, which is 3, not 2\n'],
    [['--port', '70000'], 'mtad: --port must be a whole number from 0 to 65535, not 70000\n'],
  ] as const)
    expect(await runInProcess(['serve', ...args, ...model])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: line,
    });
  expect(await runInProcess(['serve', ...model])).toMatchObject({ exitCode: 3, stdout: '' });
});

test('mtad config shows that there is a key, and not which', async () => {
  for (const args of [[], ['--json']]) {
    const { stdout } = await runInProcess(['config', 'serve', ...args], { env: { MTAD_API_KEY: 'sesame' } });
    expect(stdout).toMatch(/api.key.*\bset\b/s);
    expect(stdout).not.toContain('sesame');
  }
});
