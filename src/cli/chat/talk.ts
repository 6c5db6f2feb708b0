import { ServerError } from '../../client/text-server.js';
import { ResourceError, UsageError } from '../../errors.js';
import { attended } from '../attended.js';
import { EXIT } from '../failures.js';
import type { Io } from '../io.js';
import type { ColorChoice } from '../render/colors.js';
import { ShownText } from '../render/shown-text.js';
import { Sink } from '../render/sink.js';
import { type Answering, type Chat, completionsOf, isChatCommand, runChatCommand } from './chat-commands.js';
import { LineReader, type Message } from './line-reader.js';
import { MisuseError } from './misuse-error.js';
import type { AnswerEnd, Partner } from './partner.js';
import { TypedHistory } from './typed-history.js';

export interface TalkFlags {
  hideReasoning?: boolean;
  highlight?: boolean;
  history: boolean;
  stats?: boolean;
  wrap: boolean;
  color: ColorChoice;
  quiet?: boolean;
}

/** Exit code 128 + SIGINT. On a terminal, Ctrl-C ends an answer and not the conversation. */
const CTRL_C = 130;

/** Failures after which a conversation on a terminal goes on, and what the user can do. */
const TOLD = [
  [UsageError, ''],
  [ResourceError, '; /reset forgets the conversation, /save keeps it'],
  [ServerError, '; /retry asks once more, /save keeps the conversation'],
] as const;

/**
 * Reads messages and answers them until there are no more. Without a terminal, the first failure ends the conversation. A
 * command that is written wrongly is reported and skipped.
 * @returns the exit code
 */
export async function talk(
  io: Io,
  partner: Partner,
  firstMessage: Message,
  flags: TalkFlags,
): Promise<number> {
  const say = (line: string) => void io.stderr.write(`${line}\n`);
  const chat: Chat = { partner, io, say, color: flags.color };
  const output = new Sink(io.stdout);
  const history = flags.history ? new TypedHistory(io) : undefined;
  const reader = new LineReader(io, {
    history: (await history?.lines()) ?? [],
    onTyped: (line) => history?.add(line),
    completions: completionsOf,
  });
  const { isTerminal } = reader;
  if (isTerminal && !flags.quiet)
    say('Ctrl-C stops an answer, Ctrl-D ends the conversation, /help lists the commands');
  let isMisused = false;
  try {
    let message = firstMessage.text === '' ? await reader.next() : firstMessage;
    for (; message !== undefined; message = await reader.next()) {
      const { text, isQuoted } = message;
      try {
        if (text.trim() === '') continue;
        const isCommand = !isQuoted && isChatCommand(text);
        const exitCode = await (isCommand
          ? obey(text, chat, output, flags)
          : answer((signal) => partner.ask(text, signal), chat, output, flags));
        if (exitCode === undefined) break;
        if (exitCode !== EXIT.ok && !(isTerminal && exitCode === CTRL_C)) return exitCode;
        if (output.failure) break;
      } catch (error) {
        const told = TOLD.find(([kind]) => error instanceof kind);
        if (!told || !(isTerminal || error instanceof MisuseError)) throw error;
        isMisused ||= error instanceof MisuseError;
        io.say(`${(error as Error).message}${told[1]}`);
      }
    }
    output.check();
    return isMisused && !isTerminal ? EXIT.usage : EXIT.ok;
  } finally {
    reader.close();
    await history?.keep();
  }
}

/** Carries out a command. @returns the exit code, as of an answer; undefined where the conversation is to end */
async function obey(
  command: string,
  chat: Chat,
  output: Sink,
  flags: TalkFlags,
): Promise<number | undefined> {
  let outcome: boolean | Answering = true;
  const exitCode = await attended(chat.io, flags, async (interrupts) => {
    outcome = await runChatCommand(command, chat); // a signal waits until /save is done
    return interrupts.exitCode ?? EXIT.ok;
  });
  const next = outcome as boolean | Answering; // TypeScript does not see that the closure has set it
  if (typeof next === 'function') return answer(next, chat, output, flags);
  return next ? exitCode : undefined;
}

/** Writes an answer. @returns the exit code that a run of this answer alone would have */
function answer(answering: Answering, chat: Chat, output: Sink, flags: TalkFlags): Promise<number> {
  const { io, say } = chat;
  const colors = io.colors(flags.color, io.stdout);
  return attended(io, flags, async (interrupts, progress) => {
    let written = '';
    const shown = io.stdout.isTTY ? new ShownText(io.stdout, flags.wrap) : undefined;
    try {
      for await (const event of answering(interrupts.signal)) {
        if (event.type === 'waiting') progress.loading(event.what);
        else if (event.type === 'reading') progress.prefill(event.done, event.total);
        else progress.stop();
        if (event.type === 'notice' && !flags.quiet) {
          say(`${written === '' ? '' : '\n'}mtad: ${event.line}`);
          shown?.atLineStart();
        }
        if (event.type === 'text')
          for (const { text, isReasoning, drafted, isRefused } of event.pieces) {
            if (isReasoning && flags.hideReasoning) continue;
            if (!isRefused) written += text;
            const isPainted = drafted && flags.highlight && !isReasoning;
            const painted = isRefused ? colors.red.strikethrough : colors.green;
            const paint = isReasoning ? colors.dim : isPainted ? painted : plain;
            await output.write(shown ? shown.next(text, paint) : paint(text));
          }
        if (output.failure) break;
        if (event.type !== 'end') continue;
        await output.write(shown?.end() ?? '');
        if (!written.endsWith('\n')) await output.write('\n');
        tellEnd(event, chat, flags);
      }
    } catch (error) {
      await output.write(shown?.end() ?? ''); // which the wrapping of lines holds back
      if (written !== '' && !written.endsWith('\n')) await output.write('\n');
      throw error;
    }
    return interrupts.exitCode ?? EXIT.ok;
  });
}

/** Says what is to be said of an answer. */
function tellEnd({ hasAnswer, figures, cut, warning }: AnswerEnd, { io, say }: Chat, flags: TalkFlags): void {
  if (!hasAnswer) say('(no answer: the conversation stays as it was)');
  if (flags.quiet) return;
  if (flags.stats ?? io.isWatched) say(io.colors(flags.color, io.stderr).dim(figures));
  else if (cut !== undefined) io.say(cut);
  if (warning !== undefined) io.say(warning);
}

function plain(text: string): string {
  return text;
}
