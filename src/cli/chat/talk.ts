import { ResourceError, UsageError } from '../../errors.js';
import type { Conversation } from '../../generation/conversation.js';
import type { KnownCosts, ShiftEvent } from '../../generation/events.js';
import { answerOf } from '../../text/reasoning.js';
import type { Drift } from '../../tuning/drift.js';
import { attended } from '../attended.js';
import { cutNotice } from '../cut-notice.js';
import { driftNotice } from '../drift-notice.js';
import { EXIT } from '../failures.js';
import type { Io } from '../io.js';
import { answerStats } from '../render/chat-stats.js';
import type { ColorChoice } from '../render/colors.js';
import { refusedText, withRefused } from '../render/refused.js';
import { ShownText } from '../render/shown-text.js';
import { Sink } from '../render/sink.js';
import { type Answering, type Chat, completionsOf, isChatCommand, runChatCommand } from './chat-commands.js';
import { LineReader, type Message } from './line-reader.js';
import { MisuseError } from './misuse-error.js';
import { TypedHistory } from './typed-history.js';

export interface TalkFlags {
  hideReasoning?: boolean;
  highlight?: boolean;
  history: boolean;
  stats?: boolean;
  color: ColorChoice;
  quiet?: boolean;
}

/** Exit code 128 + SIGINT. On a terminal, Ctrl-C ends an answer and not the conversation. */
const CTRL_C = 130;

/**
 * Reads messages and answers them until there are no more. Without a terminal, the first failure ends the conversation. A
 * command that is written wrongly is reported and skipped.
 * @returns the exit code
 */
export async function talk(
  io: Io,
  conversation: Conversation,
  firstMessage: Message,
  flags: TalkFlags,
): Promise<number> {
  const say = (line: string) => void io.stderr.write(`${line}\n`);
  const chat: Chat = { conversation, io, say, color: flags.color, last: undefined };
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
          : answer((signal) => conversation.ask(text, signal), chat, output, flags));
        if (exitCode === undefined) break;
        if (exitCode !== EXIT.ok && !(isTerminal && exitCode === CTRL_C)) return exitCode;
        if (output.failure) break;
      } catch (error) {
        const isTold = error instanceof UsageError || error instanceof ResourceError;
        if (!isTold || !(isTerminal || error instanceof MisuseError)) throw error;
        isMisused ||= error instanceof MisuseError;
        const hint =
          error instanceof ResourceError ? '; /reset forgets the conversation, /save keeps it' : '';
        io.say(`${error.message}${hint}`);
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
  const { io } = chat;
  const colors = io.colors(flags.color, io.stdout);
  const { settings, tokenizer } = chat.conversation;
  return attended(chat.io, flags, async (interrupts, progress) => {
    let promptTokens = 0;
    let contextSize = 0;
    let written = '';
    let refused = '';
    let costs: KnownCosts | undefined;
    const shown = io.stdout.isTTY ? new ShownText(io.stdout) : undefined;
    try {
      for await (const event of answering(interrupts.signal)) {
        if (event.type === 'start') {
          promptTokens = event.promptTokens.length;
          contextSize = event.contextSize;
          chat.last = undefined;
        }
        if (event.type === 'shift') {
          progress.stop();
          if (!flags.quiet) {
            chat.say(shiftNotice(event, written !== ''));
            shown?.atLineStart();
          }
        }
        if (event.type === 'costs') costs = event.costs;
        if (event.type === 'prefill') progress.prefill(event.done, event.total);
        if (event.type === 'text' || event.type === 'end') progress.stop();
        if (event.type === 'step' && shown && flags.highlight && colors.level > 0)
          refused = refusedText(event.step, tokenizer);
        if (event.type === 'text')
          for (const { text, isReasoning, drafted, isRefused } of withRefused(event.pieces, refused)) {
            if (isReasoning && flags.hideReasoning) continue;
            if (!isRefused) written += text;
            const isPainted = drafted && flags.highlight && !isReasoning;
            const painted = isRefused ? colors.red.strikethrough : colors.green;
            const paint = isReasoning ? colors.dim : isPainted ? painted : plain;
            await output.write(shown ? shown.next(text, paint) : paint(text));
          }
        if (event.type === 'text') refused = '';
        if (output.failure) break;
        if (event.type !== 'end') continue;
        const { result } = event;
        chat.last = { promptTokens, result, costs };
        await output.write(shown?.end() ?? '');
        if (!written.endsWith('\n')) await output.write('\n');
        const notice = cutNotice(result, { ...settings, contextSize }); // the figures have it too
        if (answerOf(result) === '') chat.say('(no answer: the conversation stays as it was)');
        if ((flags.stats ?? io.isWatched) && !flags.quiet)
          chat.say(io.colors(flags.color, io.stderr).dim(answerStats({ settings, promptTokens }, result)));
        else if (notice !== undefined && !flags.quiet) chat.say(`mtad: ${notice}`);
        tellDrift(chat, result.drift, flags);
      }
    } catch (error) {
      await output.write(shown?.end() ?? ''); // which the wrapping of lines holds back
      throw error;
    }
    return interrupts.exitCode ?? EXIT.ok;
  });
}

function plain(text: string): string {
  return text;
}

/** Reports drift, once in a conversation. */
function tellDrift(chat: Chat, drift: Drift | null, { quiet }: TalkFlags): void {
  const notice = driftNotice(drift);
  if (notice === undefined || chat.isDriftTold) return;
  chat.isDriftTold = true;
  if (!quiet) chat.io.say(notice);
}

/** @param isWithin whether an answer is being written; the notice then begins on a new line */
function shiftNotice({ dropped }: ShiftEvent, isWithin: boolean): string {
  const turns = dropped === 1 ? 'question is' : `${dropped} questions are`;
  return `${isWithin ? '\n' : ''}mtad: the context is full: the oldest ${turns} dropped, with what was answered`;
}
