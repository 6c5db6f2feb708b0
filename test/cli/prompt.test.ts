import { mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from '../../src/cli/main.js';
import type { Pair } from '../../src/models/pair.js';
import { BIN, CLEAN, MTAD_IN_SHELL, mtad, saying } from '../support/cli.js';
import { embeddedPair } from '../support/embedded-pair.js';
import { ioInMemory, runInProcess } from '../support/run-in-process.js';
import { inFull } from '../support/tries.js';

let folder: string;
let pair: Pair;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-prompt-'));
  pair = await embeddedPair();
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** The prompt that the model was given, read back from the trace. */
async function promptOf(args: readonly string[], input?: string): Promise<string> {
  const trace = join(folder, 'trace.jsonl');
  const run = await runInProcess(
    [...args, '-n', '1', '--trace', trace],
    input === undefined ? {} : { input },
  );
  expect(run.stderr).toBe('mtad: the text was cut at --max-tokens 1; raise it for more\n');
  const [start] = (await readFile(trace, 'utf8')).split('\n');
  const [, ...tokens] = JSON.parse(start!).prompt_tokens as number[]; // without BOS
  return pair.target.tokenizer.decode(tokens, []);
}

test('words are joined by spaces', async () => {
  expect(await promptOf(['Once', 'upon', 'a time'])).toBe('Once upon a time');
});

test('--prompt, --file and standard input give the same prompt', async () => {
  const file = join(folder, 'prompt.txt');
  await writeFile(file, 'Once upon a time\n');
  expect(await promptOf(['-p', 'Once upon a time'])).toBe('Once upon a time');
  expect(await promptOf(['-f', file])).toBe('Once upon a time');
  expect(await promptOf([], 'Once upon a time\n')).toBe('Once upon a time');
  expect(await promptOf(['-f', '-'], 'Once upon a time\n')).toBe('Once upon a time');
});

test('standard input comes before the words, after a blank line', async () => {
  expect(await promptOf(['The end is:'], 'A story.\n')).toBe('A story.\n\nThe end is:');
});

test('{stdin} marks another place, and what is put there is taken as it is', async () => {
  expect(await promptOf(['Read', '{stdin}', 'again.'], 'a $& b\n')).toBe('Read a $& b again.');
});

test('beside --file, standard input is left alone unless the words name it', async () => {
  const file = join(folder, 'beside.txt');
  await writeFile(file, 'A story.\n');
  expect(await promptOf(['-f', file], 'more.txt\n')).toBe('A story.');
  expect(await promptOf(['-f', file, 'The end:'], 'more.txt\n')).toBe('A story.\n\nThe end:');
  expect(await promptOf(['-f', file, '{stdin} says:'], 'Tim')).toBe('A story.\n\nTim says:');
  expect(await promptOf(['-f', file, '{stdin} says: {file}'], 'Tim')).toBe('Tim says: A story.');
  expect(await promptOf(['-f', '-', 'In {file}'], 'Tim')).toBe('In Tim');
});

test('a loop of a shell keeps its list', async () => {
  for (const name of ['one', 'two']) await writeFile(join(folder, name), 'Once');
  const loop = `while read -r f; do ${MTAD_IN_SHELL} -q -n 1 -f "$f" >/dev/null && echo "$f"; done`;
  const { stdout } = await execa('sh', ['-c', loop], {
    input: 'one\ntwo\n',
    cwd: folder,
    env: CLEAN as NodeJS.ProcessEnv,
  });
  expect(stdout).toBe('one\ntwo');
});

test('--no-stdin leaves standard input alone', async () => {
  expect(await promptOf(['--no-stdin', 'Only this'], 'Not this')).toBe('Only this');
});

test('only one line break at the end is dropped', async () => {
  expect(await promptOf([], 'A story.\r\n\r\n')).toBe('A story.\r\n');
});

test('emoji, accents and Chinese arrive whole', async () => {
  expect(await promptOf([], 'Zoë 🐉 你好\n')).toBe('Zoë 🐉 你好');
});

test.each([
  ['is empty', ''],
  ['is an empty line', '\n'],
])('standard input that %s: exit code 2', async (_, input) => {
  const { exitCode, stderr, stdout } = await runInProcess([], { input });
  expect(stderr).toBe('mtad: The prompt is empty\n');
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test('standard input that is not UTF-8 is refused, not repaired', async () => {
  const { exitCode, stderr, stdout } = await runInProcess([], {
    input: Buffer.from([0x61, 0xff, 0xfe, 0x62]),
  });
  expect(stderr).toMatch(/^mtad: Standard input is not valid UTF-8/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test('a prompt that is longer than any context: its size, exit code 5', async () => {
  const path = join(folder, 'long.txt');
  await writeFile(path, '');
  await truncate(path, 600e6);
  const file = await runInProcess(['-f', path]);
  expect(file.stderr).toBe(
    `mtad: ${path} has 600 MB, and no context holds so long a prompt; give a part of it\n`,
  );
  const endless = await runInProcess(['-f', '/dev/zero']);
  expect(endless.stderr).toMatch(/^mtad: \/dev\/zero has more than 134 MB, and no context [^\n]*\n$/);
  for (const { exitCode, stdout } of [file, endless])
    expect({ exitCode, stdout }).toEqual({ exitCode: 5, stdout: '' });
});

test('a standard input without an end: the same', async () => {
  const piece = Buffer.alloc(2 ** 20);
  function* endless() {
    for (;;) yield piece;
  }
  const { stdout, stderr, env } = ioInMemory();
  const exitCode = await main({ argv: ['-f', '-'], stdin: Readable.from(endless()), stdout, stderr, env });
  expect(stderr.text).toMatch(/^mtad: Standard input has more than 134 MB, and no context [^\n]*\n$/);
  expect({ exitCode, stdout: stdout.text }).toEqual({ exitCode: 5, stdout: '' });
});

inFull('a process whose standard input has no end: the same', async () => {
  const command = `'${process.execPath}' '${BIN}' -f - < /dev/zero`;
  const run = await execa('sh', ['-c', command], { reject: false, env: CLEAN as NodeJS.ProcessEnv });
  expect(run.stderr).toMatch(/^mtad: Standard input has more than 134 MB, and no context [^\n]*$/);
  expect({ exitCode: run.exitCode, stdout: run.stdout }).toEqual({ exitCode: 5, stdout: '' });
});

test('a grammar that is longer than any text: its size, exit code 2', async () => {
  const path = join(folder, 'long.gbnf');
  await writeFile(path, '');
  await truncate(path, 600e6);
  const { exitCode, stderr } = await runInProcess(['--grammar', path, 'A prompt']);
  expect(stderr).toBe(`mtad: ${path} has more than 16777216 bytes; give a grammar, a schema or a template\n`);
  expect(exitCode).toBe(2);
});

// Each day interrupt.test.ts waits for what is said here.
inFull('an open standard input that stays silent is mentioned once', async () => {
  const run = mtad(['-n', '2', 'A prompt'], { stdin: 'pipe' });
  await saying(run.stderr, /\n/);
  run.stdin!.end();
  const { exitCode, stderr } = await run;
  expect(stderr).toMatch(
    /^mtad: waiting for standard input \(--no-stdin if there is none\)\nmtad: the text was cut.*\n$/,
  );
  expect(exitCode).toBe(0);
});

test('the names of control tokens in a text are text; --special and MTAD_SPECIAL make them tokens', async () => {
  const page = join(folder, 'page.html');
  await writeFile(page, '<s>Price: <s>10</s> or so\n');
  const [BOS, EOS] = [1, 2];
  const run = async (args: readonly string[], env = {}) => {
    const trace = join(folder, 'page.jsonl');
    const { stdout } = await runInProcess(['-f', page, '-n', '1', '--json', '--trace', trace, ...args], {
      env,
    });
    const [start] = (await readFile(trace, 'utf8')).split('\n');
    const tokens = JSON.parse(start!).prompt_tokens as number[];
    return { special: JSON.parse(stdout).params.special, tokens };
  };
  const plain = await run([]);
  expect(plain.special).toBe(false);
  expect(plain.tokens.filter((token) => [BOS, EOS].includes(token))).toEqual([BOS]);
  expect(pair.target.tokenizer.decode(plain.tokens.slice(1), [BOS])).toBe('<s>Price: <s>10</s> or so');

  const special = await run(['--special']);
  expect(special.special).toBe(true);
  expect(special.tokens.filter((token) => [BOS, EOS].includes(token))).toEqual([BOS, BOS, EOS]);
  expect(await run([], { MTAD_SPECIAL: 'true' })).toEqual(special);
});

test('a text whose length alone is too much is refused before it is read', async () => {
  const run = await runInProcess(['-n', '1'], { input: '\n'.repeat(5_000_000) });
  expect({ exitCode: run.exitCode, stdout: run.stdout }).toEqual({ exitCode: 5, stdout: '' });
  expect(run.stderr).toMatch(
    /^mtad: The prompt has at least \d+ tokens and the context holds 1024, .*--ctx-size\)\n$/,
  );
});

test.each([
  [['--prompt', ''], 'mtad: The prompt is empty\n'],
  [
    ['-p', 'a {stdin}'],
    'mtad: The prompt has a place for standard input, {stdin}, but nothing is piped in\n',
  ],
  [[], 'mtad: No prompt: give it as words, with --file, or on standard input\n'],
])('%j with nothing piped in does not open standard input', async (argv, said) => {
  const nothing = await open('/dev/null');
  const papers = ioInMemory();
  let opened = 0;
  const exitCode = await main({
    argv,
    get stdin() {
      opened++;
      return Readable.from([]);
    },
    stdinFd: nothing.fd,
    stdout: papers.stdout,
    stderr: papers.stderr,
    env: papers.env,
  });
  await nothing.close();
  expect({ exitCode, said: papers.stderr.text, opened }).toEqual({ exitCode: 2, said, opened: 0 });
});
