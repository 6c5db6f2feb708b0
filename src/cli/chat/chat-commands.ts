import { distance } from 'fastest-levenshtein';
import { homePath } from '../../user-folders.js';
import { harmless } from '../harmless.js';
import type { Io } from '../io.js';
import type { ColorChoice } from '../render/colors.js';
import { setChatSetting } from './chat-settings.js';
import { MisuseError } from './misuse-error.js';
import type { Partner, TalkEvent } from './partner.js';
import { loadConversation, saveConversation } from './saved-conversation.js';

/** What the commands work on. */
export interface Chat {
  readonly partner: Partner;
  readonly io: Io;
  /** Writes a line to the user, on standard error. */
  readonly say: (line: string) => void;
  readonly color: ColorChoice;
}

/** Starts an answer. */
export type Answering = (signal: AbortSignal) => AsyncIterable<TalkEvent>;

interface ChatCommand {
  readonly takes?: '<file>' | '[text|none]' | '[name value]';
  readonly what: string;
  /** @returns a function that starts an answer; true: the conversation ends; undefined: nothing is left to do */
  run(argument: string, chat: Chat): void | true | Answering | Promise<void>;
}

const COMMANDS: Readonly<Record<string, ChatCommand>> = {
  system: {
    takes: '[text|none]',
    what: 'show, change or take back what the model is told before the conversation',
    run: (text, { partner, say }) => {
      const [first, ...rest] = partner.messages;
      const hasSystem = first?.role === 'system';
      if (text === '') return say(hasSystem ? harmless(first.content) : '(none)');
      const turns = hasSystem ? rest : partner.messages;
      partner.messages = text === 'none' ? turns : [{ role: 'system', content: text }, ...turns];
    },
  },
  retry: {
    what: 'answer the last question once more',
    run:
      (_, { partner }) =>
      (signal) =>
        partner.retry(signal),
  },
  continue: {
    what: 'go on with an answer that was cut off',
    run:
      (_, { partner }) =>
      (signal) =>
        partner.continue(signal),
  },
  undo: {
    what: 'forget the last question and its answer',
    run: (_, { partner }) => partner.undo(),
  },
  set: {
    takes: '[name value]',
    what: 'show or change settings of the answers to come',
    run: async (text, { partner, say }) => say(harmless(await setChatSetting(partner, text))),
  },
  stats: {
    what: 'figures of the last answer and of the conversation',
    run: async (_, { partner, say, color, io }) => {
      for (const line of await partner.figures(io.colors(color, io.stderr))) say(line);
    },
  },
  save: {
    takes: '<file>',
    what: 'write the conversation to a file',
    run: async (name, { partner, say, io }) => {
      const path = fileNamed(name, io);
      await saveConversation(path, partner.messages);
      say(harmless(`saved ${partner.messages.length} messages to ${path}`));
    },
  },
  load: {
    takes: '<file>',
    what: 'go on with a conversation that was saved',
    run: async (name, { partner, say, io }) => {
      const path = fileNamed(name, io);
      partner.messages = await loadConversation(path);
      say(harmless(`loaded ${partner.messages.length} messages from ${path}`));
    },
  },
  reset: {
    what: 'forget everything but the /system text',
    run: (_, { partner }) => {
      partner.messages = partner.messages.filter(({ role }) => role === 'system');
    },
  },
  help: { what: 'this list', run: (_, { say }) => say(helpText()) },
  bye: { what: 'end the conversation, as Ctrl-D does', run: () => true },
};

/** Names of the commands in other programs. */
const ALIASES = new Map([
  ['exit', 'bye'],
  ['quit', 'bye'],
  ['clear', 'reset'],
  ['new', 'reset'],
  ['?', 'help'],
]);

const WORDS = new Map([...Object.keys(COMMANDS).map((name) => [name, name] as const), ...ALIASES]);

/** Whether a message is a command: its first word is a slash and a name, or its only word is nearly one. */
export function isChatCommand(message: string): boolean {
  const { word, argument } = parse(message);
  return WORDS.has(word) || (argument === '' && nearly(word) !== undefined);
}

/** Returns the commands that begin with a line, each with its slash, for completion on a terminal. */
export function completionsOf(line: string): string[] {
  if (!line.startsWith('/')) return [];
  return Object.keys(COMMANDS)
    .map((name) => `/${name}`)
    .filter((name) => name.startsWith(line.toLowerCase()));
}

/**
 * Carries out a command.
 * @returns whether the conversation goes on, or a function that starts an answer
 * @throws MisuseError for a command that is written wrongly; UsageError for one that cannot be carried out
 */
export async function runChatCommand(message: string, chat: Chat): Promise<boolean | Answering> {
  const { word, argument } = parse(message);
  const name = WORDS.get(word);
  if (name === undefined)
    throw new MisuseError(
      `There is no command /${word}; did you mean /${nearly(word)}? (/help lists them; a space before the slash makes it a message)`,
    );
  const { takes, run } = COMMANDS[name]!;
  if (takes === '<file>' && argument === '')
    throw new MisuseError(`/${name} needs the name of a file: /${name} chat.json`);
  if (takes === undefined && argument !== '')
    throw new MisuseError(`/${name} takes nothing behind it; a space before the slash makes it a message`);
  const outcome = await run(argument, chat);
  return typeof outcome === 'function' ? outcome : outcome !== true;
}

/** Splits a line that begins with a slash into its first word and the rest. Of other messages the word is ''. */
function parse(message: string): { word: string; argument: string } {
  const [, word = '', argument = ''] = /^\/(\S+)(.*)$/.exec(message) ?? [];
  return { word: word.toLowerCase(), argument: argument.trim() };
}

function nearly(word: string): string | undefined {
  const tolerated = (known: string) => (Math.min(word.length, known.length) > 3 ? 2 : 1); // letters
  return [...WORDS.keys()].find((known) => known.length > 1 && distance(word, known) <= tolerated(known));
}

/** Reads the name of a file as a shell does, with quotes and `~/`. */
function fileNamed(name: string, { env }: Io): string {
  return homePath(name.replace(/^(["'])(.+)\1$/, '$2'), env);
}

function helpText(): string {
  const commands = Object.entries(COMMANDS).map(([name, { takes, what }]) => [
    takes === undefined ? `/${name}` : `/${name} ${takes}`,
    what,
  ]);
  const width = Math.max(...commands.map(([usage]) => usage!.length));
  return [
    ...commands.map(([usage, what]) => `${usage!.padEnd(width)}  ${what}`),
    `${'"""'.padEnd(width)}  begins and ends a message of several lines; a backslash at the end of a line goes on too`,
    `${'Ctrl-C'.padEnd(width)}  stops the answer; a second one before it has stopped, the program`,
  ].join('\n');
}
