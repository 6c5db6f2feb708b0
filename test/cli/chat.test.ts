import { chmod, lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chatPair } from '../support/chat-models.js';
import { mtad, mtadOnTerminal, saying, type TerminalOptions } from '../support/cli.js';
import { runInProcess } from '../support/run-in-process.js';
import { inFull } from '../support/tries.js';
import { withoutStruck } from '../support/without-struck.js';

/** A model that ends its answer where others put a full stop. */
const SENTENCES = { 2: '</s>', 1985: '<|im_end|>' };
/** The cursor stands behind it, and the keyboard is being read. */
const PROMPT = /> .\[3G$/;
const CTRL_C = '\x03';
const CTRL_D = '\x04';
const CTRL_Z = '\x1A';

let folder: string;
let chat: string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-chat-'));
  const { model, draft } = await chatPair(folder, { tokens: SENTENCES });
  chat = ['chat', '-m', model, '-d', draft, '--seed', '1', '-t', '1', '-n', '60'];
});
afterAll(() => rm(folder, { recursive: true }));

/** What was said to this conversation, and what the figures say of each answer. */
async function talk(lines: readonly string[], args: readonly string[] = []) {
  const run = await runInProcess([...chat, '--stats', ...args], { input: `${lines.join('\n')}\n` });
  const read = [...run.stderr.matchAll(/read (\d+) new of (\d+) tokens/g)];
  return { ...run, answers: run.stdout, read: read.map(([, fresh, all]) => [Number(fresh), Number(all)]) };
}

describe('mtad chat in a pipe', () => {
  test('a line is a message; of the second only what is new is read', async () => {
    const { stdout, exitCode, read } = await talk(['Tell me a story', 'And then?']);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n').length).toBeGreaterThanOrEqual(3);
    expect(read).toHaveLength(2);
    const [[first, all], [second, whole]] = read as [[number, number], [number, number]];
    expect(first).toBe(all);
    expect(second).toBeLessThan(whole - all + 1);
    expect(second).toBeGreaterThan(5);
  });

  test('words on the command line are the first message', async () => {
    const words = await runInProcess([...chat, 'Tell', 'me', 'a', 'story'], { input: '' });
    const line = await talk(['Tell me a story']);
    expect(words.stdout).toBe(line.stdout);
    expect(words.stderr).toBe('');
  });

  test('--highlight colours what was drafted, where colours are shown', async () => {
    const plain = await talk(['Tell me a story']);
    expect((await talk(['Tell me a story'], ['--highlight'])).stdout).toBe(plain.stdout);
    const { stdout } = await talk(['Tell me a story'], ['--highlight', '--color', 'always']);
    expect(stdout).toContain('\x1B[32m');
    expect(stripVTControlCharacters(stdout)).toBe(plain.stdout);
  });

  test('on a terminal lines break between words; the words and their colours stay', async () => {
    const args = [...chat, '--ignore-eos', '--highlight', '--color', 'always', 'Tell me a story'];
    const piped = await runInProcess(args, { input: '' });
    const { stdout } = await runInProcess(args, { input: '', isTTY: true, columns: 30 });
    const lines = stripVTControlCharacters(stdout).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(30);
    expect(lines.length).toBeGreaterThan(4);
    expect(stdout).toContain('\x1B[9m');
    const words = (text: string) => stripVTControlCharacters(withoutStruck(text)).split(/\s+/);
    expect(words(stdout)).toEqual(words(piped.stdout));
    const green = (text: string) =>
      text
        .split('\x1B[32m')
        .slice(1)
        .map((part) => part.split('\x1B')[0]!.replaceAll(/\s/g, ''))
        .join('');
    expect(green(stdout)).toBe(green(piped.stdout));
  });

  test('a target alone suffices, and a line says what drafts', async () => {
    const model = join(folder, 'chat-target.gguf');
    const args = ['chat', '-m', model, '-t', '1', '-n', '60', '--seed', '1', 'Tell me a story'];
    const { exitCode, stderr } = await runInProcess(args, { input: '' });
    const line = 'mtad: chat-target.gguf has no draft model (-d): guesses are looked up in the text so far\n';
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: line });
  });

  test('/retry, /continue, /undo and /set', async () => {
    const { stdout, stderr, exitCode } = await talk(
      ['Tell me a story', '/continue', '/set max-tokens 60', '/retry', '/undo', '/stats', '/set temperature'],
      ['-n', '3', '--ignore-eos'],
    );
    expect(exitCode).toBe(0);
    const [begun, rest, again] = stdout.split('\n');
    expect(stdout).toMatch(/^[^\n]+\n[^\n]+\n[^\n]{20,}/);
    expect(again).not.toBe(`${begun}${rest}`);
    expect(stderr).toContain('max-tokens = 60\n');
    expect(stderr).toContain('conversation: 0 messages');
    expect(stderr).toMatch(/^temperature = 1$/m);
  });

  test.each([
    ['/set colour red', /no setting "colour"; did you mean .*\/set lists them/],
    ['/set temperature hot', /\/set temperature hot is invalid\. It must be a number, 0 or more/],
    ['/retry now', /\/retry takes nothing behind it/],
  ])('%s: one line, exit code 2', async (line, message) => {
    const { stderr, exitCode } = await talk([line]);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });

  test('a context that is full: the oldest question goes, and a line says so; --context-policy stop ends', async () => {
    const questions = ['One', 'Two', 'Three', 'Four'];
    const args = ['-c', '200', '--ignore-eos', '-n', '60'];
    const shifting = await talk(questions, args);
    expect(shifting.exitCode).toBe(0);
    expect(shifting.stderr).toMatch(
      /mtad: the context is full: the oldest (question is|2 questions are) dropped, with/,
    );
    const stopping = await talk(questions, [...args, '--context-policy', 'stop']);
    expect(stopping.stderr).not.toContain('dropped');
    expect(stopping.exitCode).toBe(5);
  });

  test('an answer that is cut off is said to be', async () => {
    const cut = await runInProcess([...chat, '-n', '3', 'Tell me a story'], { input: '' });
    expect(cut.stderr).toBe('mtad: the text was cut at --max-tokens 3; raise it for more\n');
    expect((await talk(['Tell me a story'], ['-n', '3'])).stderr).toContain('cut off by --max-tokens');
    expect((await runInProcess([...chat, '-n', '3', '-q', 'Tell me a story'], { input: '' })).stderr).toBe(
      '',
    );
  });

  test('three quotes, or backslashes at the ends of lines, make one message of several lines', async () => {
    const oneByOne = await talk(['One', 'two']);
    const [fenced, slashed] = await Promise.all([talk(['"""One', 'two"""']), talk(['One\\', 'two'])]);
    expect(oneByOne.read).toHaveLength(2);
    expect(fenced.read).toHaveLength(1);
    expect(slashed.stdout).toBe(fenced.stdout);
    const [alone, windows] = await Promise.all([
      talk(['"""', 'One', 'two', '"""']),
      runInProcess([...chat, '--stats'], { input: '\uFEFF"""One\r\ntwo"""\r\n' }),
    ]);
    expect(alone.stdout).toBe(fenced.stdout);
    expect(windows.stdout).toBe(fenced.stdout);
  });

  test('/save writes what /load, and --load, go on with', async () => {
    const file = join(folder, 'saved.json');
    const { stderr } = await talk(['Tell me a story', `/save ${file}`], ['--system', 'Be brief']);
    expect(stderr).toContain(`saved 3 messages to ${file}`);
    const saved = JSON.parse(await readFile(file, 'utf8'));
    expect(saved).toMatchObject({
      schema: 1,
      messages: [
        { role: 'system', content: 'Be brief' },
        { role: 'user', content: 'Tell me a story' },
        { role: 'assistant', content: expect.stringMatching(/\w/) },
      ],
    });
    const [byCommand, byOption] = await Promise.all([
      talk([`/load ${file}`, 'And then?']),
      talk(['And then?'], ['--load', file]),
    ]);
    expect(byCommand.stdout).toBe(byOption.stdout);
    expect(byCommand.read[0]![1]).toBeGreaterThan(40);
  });

  test('a system text of the settings holds, unless a conversation is loaded', async () => {
    const env = { MTAD_SYSTEM: 'Be brief' };
    const file = join(folder, 'told.json');
    const input = `Tell me a story\n/save ${file}\n`;
    expect((await runInProcess(chat, { env, input })).exitCode).toBe(0);
    const told = JSON.parse(await readFile(file, 'utf8')).messages;
    expect(told[0]).toEqual({ role: 'system', content: 'Be brief' });
    const load = [...chat, '--load', file];
    expect(
      (await runInProcess(load, { env: { MTAD_SYSTEM: 'Be long' }, input: `/save ${file}\n` })).exitCode,
    ).toBe(0);
    expect(JSON.parse(await readFile(file, 'utf8')).messages).toEqual(told);
    expect((await runInProcess([...load, '--system', 'Be long'], { input })).exitCode).toBe(2);
  });

  test('/save does not overwrite what is no conversation', async () => {
    const file = join(folder, 'precious.txt');
    await writeFile(file, 'precious');
    const { exitCode, stderr } = await talk(['Hello', `/save ${file}`]);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('another name'),
    });
    expect(await readFile(file, 'utf8')).toBe('precious');
  });

  test('/save keeps the permissions of a file, and the link that leads to it; a new file is for its owner', async () => {
    const [file, link, fresh] = ['kept.json', 'link.json', 'fresh.json'].map((name) => join(folder, name));
    await talk([`/save ${file}`]);
    await chmod(file!, 0o664);
    await symlink('kept.json', link!);
    const { exitCode } = await talk(['Tell me a story', `/save ${link}`, `/save ${fresh}`]);
    expect(exitCode).toBe(0);
    expect((await lstat(link!)).isSymbolicLink()).toBe(true);
    expect(JSON.parse(await readFile(file!, 'utf8')).messages).toHaveLength(2);
    expect((await stat(file!)).mode & 0o777).toBe(0o664);
    expect((await stat(fresh!)).mode & 0o777).toBe(0o600);
  });

  test('a file name may begin with ~/ and stand in quotes', async () => {
    const run = await runInProcess(chat, {
      env: { HOME: folder },
      input: 'Hello\n/save "~/my chat.json"\n/load ~/my chat.json\n',
    });
    expect(run.stderr).toBe(
      ['saved 2 messages to', 'loaded 2 messages from']
        .map((what) => `${what} ${join(folder, 'my chat.json')}\n`)
        .join(''),
    );
  });

  test.each([
    ['none.json', undefined, 'Cannot load none.json: ENOENT: no such file or directory'],
    ['cut.json', '{"schema": 1, "mess', 'Cannot load cut.json: it is not JSON: '],
    [
      'later.json',
      '{"schema": 2}',
      'Cannot load later.json: it was written by another version of mtad (schema 2)',
    ],
    [
      'odd.json',
      '{"schema": 1, "messages": [1]}',
      'Cannot load odd.json: it is no saved conversation: messages.0: ',
    ],
  ])('/load %s, which holds %j, says "%s"', async (name, text, message) => {
    if (text !== undefined) await writeFile(join(folder, name), text);
    const { exitCode, stderr } = await runInProcess(chat, { input: `/load ${join(folder, name)}\n` });
    expect(stderr.replaceAll(`${folder}/`, '')).toContain(`mtad: ${message}`);
    expect(exitCode).toBe(2);
  });

  test('/reset forgets all but the system text, which /system shows and changes', async () => {
    const { stderr, read } = await talk(
      ['Tell me a story', '/reset', '/system', '/system Be long', '/system', 'Tell me a story'],
      ['--system', 'Be brief'],
    );
    expect(stderr).toMatch(/^Be brief$/m);
    expect(stderr).toMatch(/^Be long$/m);
    expect(read.map(([, all]) => all! - read[0]![1]!)[1]).toBeLessThan(5);
  });

  test('/set strategy drafts with the draft model where the strategy before did not', async () => {
    const lines = ['/set strategy mtad', '/set draft-length 3', 'Tell me a story'];
    const { stderr, exitCode } = await talk(lines, ['--strategy', 'autoregressive']);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('draft-length = 3\n');
  });

  test('where no answer comes, the conversation stays as it was, and it says so', async () => {
    const file = join(folder, 'stays.json');
    const greedy = ['--temperature', '0', '--strategy', 'autoregressive'];
    const [word] = (await talk(['Tell me a story'], greedy)).stdout.trim().split(' ');
    const lines = ['Tell me a story', `/set stop ${word}`, '/retry', `/save ${file}`];
    const { stderr } = await talk(lines, greedy);
    expect(stderr).toContain('(no answer: the conversation stays as it was)\n');
    expect(JSON.parse(await readFile(file, 'utf8')).messages).toHaveLength(2);
  });

  test('/system none takes the system text back; commands are known in capitals too', async () => {
    const { stderr, exitCode } = await talk(['/SYSTEM', '/System none', '/system'], ['--system', 'Be brief']);
    expect(stderr).toBe('Be brief\n(none)\n');
    expect(exitCode).toBe(0);
  });

  test('ends while standard input stays open: at an error, when its reader has left', async () => {
    const wrong = mtad(chat, { stdin: 'pipe' });
    wrong.stdin!.write('/load none.json\n');
    const unread = mtad([...chat, '-n', '900', '--ignore-eos'], { stdin: 'pipe' });
    unread.stdin!.write('Tell me a story\n');
    unread.stdout.once('data', () => unread.stdout.destroy());
    expect([await wrong, await unread].map(({ exitCode }) => exitCode)).toEqual([2, 0]);
  });

  // Each day the error above closes standard input as /bye does, which ends conversations in process.
  inFull('and at /bye', async () => {
    const run = mtad(chat, { stdin: 'pipe' });
    run.stdin!.write('/bye\n');
    expect((await run).exitCode).toBe(0);
  });

  test('SIGHUP ends the answer and the conversation with exit code 129: what was said and saved is kept', async () => {
    const file = join(folder, 'hangup.json');
    const run = mtad([...chat, '-n', '900', '--ignore-eos'], { stdin: 'pipe' });
    run.stdin!.write(`/system Be brief\n/save ${file}\nTell me a story\nAnd then?\n`);
    await saying(run.stdout, /.{20}/);
    run.kill('SIGHUP');
    const { exitCode, stdout } = await run;
    expect({ exitCode, isEmpty: stdout.trim() === '' }).toEqual({ exitCode: 129, isEmpty: false });
    expect(JSON.parse(await readFile(file, 'utf8')).messages).toEqual([
      { role: 'system', content: 'Be brief' },
    ]);
  });

  test('/stats tells of the conversation, /bye ends it', async () => {
    const { stderr, stdout, exitCode } = await talk(['/stats', 'Hello', '/stats', '/bye', 'Never said']);
    expect(stderr).toContain('conversation: 0 messages, 0 of 1024 tokens');
    expect(stderr).toMatch(
      /conversation: 2 messages, \d+ of 1024 tokens; of the last question \d+ tokens were new/,
    );
    expect(stderr).toContain('tokens/s');
    expect(stdout.trim().split('\n').length).toBeLessThan(8);
    expect(exitCode).toBe(0);
  });

  test('where a text of the template ends the answer, no --stop is blamed', async () => {
    const template =
      "{% for m in messages %}{{ '[' + m['role'] + ']' + m['content'] }}{% if m['role'] == 'assistant' %}{{ ', and' }}" +
      '{% endif %}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}';
    const own = await mkdtemp(join(folder, 'template-'));
    const { model, draft } = await chatPair(own, { template });
    const args = ['-m', model, '-d', draft, '--ignore-eos', '-n', '400', '--seed', '2'];
    expect((await talk(['Tell me a story'], args)).stderr).toMatch(/% of the drafted accepted\n$/);
  });

  test('a path, a word that is no command, several lines, and what stands in three quotes or behind -- are messages', async () => {
    const file = join(folder, 'quoted.json');
    const said = [
      '/etc/hosts is a file',
      '/usr',
      ' /reset',
      '/usr is full',
      `/save ${file}`,
      'a\n/bye\nb',
      '/bye\nb',
    ];
    const lines = [
      ...said.slice(0, 4),
      `"""${said[4]}"""`,
      '"""',
      ...said[5]!.split('\n'),
      '"""',
      '/bye\\',
      'b',
    ];
    const saved = join(folder, 'said.json');
    const { read, exitCode, stderr } = await talk([...lines, `/save ${saved}`], ['-n', '5', '--', '/bye']);
    expect({ exitCode, read: read.length }).toEqual({ exitCode: 0, read: 8 });
    expect(stderr).not.toContain('mtad:');
    const { messages } = JSON.parse(await readFile(saved, 'utf8')) as { messages: { content: string }[] };
    expect(messages.filter((_, i) => i % 2 === 0).map(({ content }) => content)).toEqual(['/bye', ...said]);
    await expect(stat(file)).rejects.toThrow('ENOENT');
  });

  test('a command that is written wrongly is told of; the run goes on, and ends with exit code 2', async () => {
    const { read, exitCode, stderr } = await talk(['/sav', 'Hello', '/save', '/reset all', 'And then?']);
    expect(read).toHaveLength(2);
    expect(stderr).toMatch(/^mtad: There is no command \/sav; did you mean \/save\?/);
    expect(stderr).toContain('mtad: /save needs the name of a file');
    expect(stderr).toContain('mtad: /reset takes nothing behind it');
    expect(exitCode).toBe(2);
  });

  test('-q keeps figures quiet, not the answers to commands', async () => {
    const { stderr } = await talk(['/help', 'Hello'], ['-q', '--system', 'Be brief']);
    expect(stderr).toContain('/reset');
    expect(stderr).not.toContain('read ');
  });

  test('what is not UTF-8 is refused', async () => {
    const input = Buffer.concat([Buffer.from('Hello\n'), Buffer.from([0xff, 0xfe]), Buffer.from('\n')]);
    const { stderr, exitCode } = await runInProcess(chat, { input });
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('not valid UTF-8'),
    });
  });

  test.each([
    [['/sav'], 'no command /sav', 2],
    [
      ['/save no/such/folder/chat.json'],
      'Cannot save no/such/folder/chat.json: ENOENT: no such file or directory',
      2,
    ],
    [['word '.repeat(2000)], 'the context holds', 5],
  ])('%j ends it with one line, and what was answered is kept', async (lines, message, code) => {
    const { stderr, exitCode } = await talk(lines);
    expect(stderr.trim().split('\n').at(-1)).toContain(message);
    expect(exitCode).toBe(code);
  });
});

test.each([
  [['chat', 'Hello'], 'has no chat template'],
  [['chat', '--load', 'gguf/README.md', '--system', 'Be brief'], 'cannot be used with option'],
  [['chat', '--load', 'gguf/README.md'], 'Cannot load gguf/README.md: it is not JSON'],
  [['chat', '--load', 'package.json'], 'is no saved conversation: schema'],
  [['chat', '--load', '/dev/zero'], 'has more than 16777216 bytes; give a saved conversation'],
  [['chat', '--threshold', '2'], '--threshold'],
])('%j ends with exit code 2 and "%s"', async (args, message) => {
  const { exitCode, stdout, stderr } = await runInProcess(args);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain(message);
});

describe('mtad chat on a terminal', () => {
  /** Types each of these once the screen shows what it waits for. */
  async function type(
    keys: readonly (readonly [when: RegExp, what: string])[],
    args: readonly string[] = [],
    options: TerminalOptions = {},
  ) {
    const run = mtadOnTerminal([...chat, ...args], { stdin: 'pipe', ...options });
    for (const [when, what] of keys) {
      await saying(run.stdout, when);
      run.stdin!.write(what);
    }
    const { stdout, exitCode } = await run;
    run.stdin!.end();
    return { exitCode, screen: stripVTControlCharacters(stdout) };
  }

  /** One conversation, since each takes a process that loads the models. */
  test('asks, answers and says what it read, to Ctrl-D', async () => {
    const { screen, exitCode } = await type([
      // Ctrl-C at the prompt gives up what was typed, and says how to leave.
      [PROMPT, `half a message${CTRL_C}`],
      [PROMPT, CTRL_C],
      // A wrong command is answered in a line, and the conversation goes on.
      [PROMPT, '/hepl\r'],
      [PROMPT, '/help\r'],
      [PROMPT, 'Tell me a story\r'],
      // Lines that are pasted are one message, also where they begin as a command does.
      [PROMPT, '\x1b[200~/bye\rtwo\r\x1b[201~three\r'],
      [PROMPT, '/stats\r'],
      // A conversation that fills the context can be saved, or forgotten.
      [PROMPT, `${'word '.repeat(700)}\r`],
      [PROMPT, CTRL_D],
    ]);
    expect(exitCode).toBe(0);
    expect(screen).toContain('/help lists the commands');
    const words = screen.replace(/\s+/g, ' ');
    const order = [
      'half a message',
      'Ctrl-D or /bye',
      'There is no command /hepl; did you mean /help?',
      'Tell me a story',
      'conversation: 4 messages',
      '/reset forgets the conversation, /save keeps it',
    ];
    const places = order.map((text) => words.indexOf(text));
    expect(places).toEqual(places.filter((place) => place >= 0).sort((x, y) => x - y));
    const answers = [...words.matchAll(/read \d+ new of \d+ tokens/g)].map(({ index }) => index);
    expect(answers).toHaveLength(2);
    expect(answers[0]).toBeGreaterThan(places[3]!);
    expect(answers[1]).toBeLessThan(places[4]!);
  });

  test('Ctrl-C stops the answer and not the program; Ctrl-Z and fg keep what was typed and said', async () => {
    const { screen, exitCode } = await type(
      [
        [PROMPT, 'Tell me a story\r'],
        [/story\s[\s\S]*[a-z]{3}/, CTRL_C],
        [PROMPT, '/stats\r'],
        [PROMPT, `/st${CTRL_Z}`],
        [/fg[\s\S]*\/st/, 'ats\r'],
        [PROMPT, CTRL_D],
      ],
      ['-n', '900', '--ignore-eos', '--strategy', 'mtjd'],
      { afterwards: 'echo fg; fg' },
    );
    expect(screen).toMatch(
      /interrupted[\s\S]*conversation: 2 messages[\s\S]*fg[\s\S]*conversation: 2 messages/,
    );
    expect(exitCode).toBe(0);
  });

  // Each day the same signal stops the answer above, and lines that nothing draws are read as from a pipe.
  inFull('Ctrl-C stops the answer alone also where standard error goes to a file', async () => {
    const errors = join(folder, 'errors.txt');
    const { exitCode } = await type(
      [
        [/[a-z]{3}/, CTRL_C],
        [/\^C/, '/stats\r/bye\r'],
      ],
      ['-n', '900', '--ignore-eos', '--strategy', 'mtjd', 'Tell me a story'],
      { stderr: errors },
    );
    expect(await readFile(errors, 'utf8')).toContain('conversation: 2 messages');
    expect(exitCode).toBe(0);
  });

  test('Tab completes commands, and what was typed comes back in the next conversation', async () => {
    const options = { env: { XDG_STATE_HOME: join(folder, 'state') } };
    const first = await type(
      [
        [PROMPT, '/sta'],
        [/\/sta$/, '\t'], // which completes only where nothing stands behind it
        [/ts$/, '\r'],
        [PROMPT, CTRL_D],
      ],
      [],
      options,
    );
    expect(first.screen).toContain('conversation: 0 messages');
    const file = join(folder, 'state', 'mtad', 'chat-history.json');
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(['/stats']);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const up = '\x1b[A';
    const second = await type(
      [
        [PROMPT, `${up}\r`],
        [PROMPT, CTRL_D],
      ],
      [],
      options,
    );
    expect(second.screen).toContain('conversation: 0 messages');
  });

  /** A folder for the state of mtad, in which `/stats` was typed before. */
  async function stateWith(name: string): Promise<string> {
    const state = join(folder, name);
    await mkdir(join(state, 'mtad'), { recursive: true });
    await writeFile(join(state, 'mtad', 'chat-history.json'), '["/stats"]');
    return state;
  }

  test('--no-history brings nothing back, and keeps nothing', async () => {
    const env = { XDG_STATE_HOME: await stateWith('untouched-state') };
    const typing = { env, isTTY: true, keys: `\x1b[A\r/system\r${CTRL_D}` };
    const without = await runInProcess([...chat, '--no-history'], typing);
    expect(without.stderr).not.toContain('conversation: 0 messages');
    const typed = () => readFile(join(env.XDG_STATE_HOME, 'mtad', 'chat-history.json'), 'utf8');
    expect(await typed()).toBe('["/stats"]');
    expect((await runInProcess(chat, typing)).stderr).toContain('conversation: 0 messages');
    expect(JSON.parse(await typed())).toEqual(['/system', '/stats']);
  });

  inFull('a process that is started with --no-history: the same', async () => {
    const state = await stateWith('other-state');
    const { screen } = await type(
      [
        [PROMPT, '\x1b[A\r'],
        [PROMPT, CTRL_D],
      ],
      ['--no-history'],
      { env: { XDG_STATE_HOME: state } },
    );
    expect(screen).not.toContain('conversation: 0 messages');
  });
});
