import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Chat, completionsOf, isChatCommand, runChatCommand } from '../../src/cli/chat/chat-commands.js';
import { MisuseError } from '../../src/cli/chat/misuse-error.js';
import { ioInMemory } from '../support/run-in-process.js';

const NAMES = [
  'system',
  'stats',
  'save',
  'load',
  'reset',
  'retry',
  'continue',
  'undo',
  'set',
  'help',
  'bye',
  'exit',
  'quit',
  'clear',
  'new',
  '?',
];

describe('completionsOf', () => {
  it.each([
    ['/s', ['/system', '/set', '/stats', '/save']],
    ['/UN', ['/undo']],
    ['/save ', []],
    ['hello', []],
    ['', []],
  ])('%j becomes %j', (line, completions) => expect(completionsOf(line)).toEqual(completions));
});

describe('runChatCommand', () => {
  it('shows texts and names of files harmlessly', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mtad-commands-'));
    const said: string[] = [];
    const partner = { messages: [{ role: 'system', content: '\x1b[2J' }] };
    const chat = { partner, io: ioInMemory(), say: (line: string) => said.push(line) } as unknown as Chat;
    for (const command of ['/system', `/save ${folder}/\x9b31m`, `/load ${folder}/\x9b31m`])
      await runChatCommand(command, chat);
    await rm(folder, { recursive: true });
    expect(said[0]).toBe('\\u001b[2J');
    for (const line of said.slice(1)) expect(line).toContain('1 messages');
    expect(said.join('')).not.toMatch(/\p{Cc}/u);
  });
});

describe('isChatCommand', () => {
  it.each(['/help', '/HELP', '/?', '/save', '/save a.json', '/bye ', '/exit', '/quit', '/clear', '/new'])(
    'takes %j for a command',
    (message) => expect(isChatCommand(message)).toBe(true),
  );

  it.each(['/sav', '/hlep', '/rest', '/stat', '/quti', '/bye.'])(
    'takes %j for one that is misspelt',
    async (message) => {
      expect(isChatCommand(message)).toBe(true);
      const run = runChatCommand(message, undefined as never);
      await expect(run).rejects.toThrow(MisuseError);
      await expect(run).rejects.toThrow(/^There is no command .*; did you mean \/\w+\?/);
    },
  );

  it.each([
    '/usr',
    '/usr is full, what now?',
    '/etc/hosts',
    '/etc/hosts is what?',
    '/save/that/file is what?',
    '/home',
    '/bin',
    '/tmp',
    '/sav that for later',
    '/nonsense',
    '/constructor',
    '/__proto__ x',
    '/',
    '//',
    '/ help',
    ' /help',
    'save',
    '',
    'what does\n/save do?',
    '/system Be brief,\nand kind',
    '/save y\nmore',
    '/bye\n',
  ])('takes %j for a message', (message) => expect(isChatCommand(message)).toBe(false));

  it('takes for a message whatever does not begin with a slash and the name of a command', () => {
    const word = fc.string({ unit: 'grapheme', maxLength: 12 });
    const isOther = (text: string) => !NAMES.includes(text.toLowerCase());
    fc.assert(
      fc.property(
        word.filter((text) => isOther(text.split(/\s/)[0]!)),
        word,
        (first, rest) => {
          if (isChatCommand(`/${first} x${rest}`)) throw new Error('with words behind it');
          if (!first.startsWith('/') && isChatCommand(first)) throw new Error('without a slash');
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
