import type { Command } from 'commander';
import { bodyOf } from '../../client/fields.js';
import { type ServedModels, TextServer } from '../../client/text-server.js';
import { type ServedEvent, type ServedRequest, type ServedResult, writeServed } from '../../client/write.js';
import { UsageError } from '../../errors.js';
import { withoutReasoning } from '../../generation/events.js';
import type { Settings } from '../../generation/settings.js';
import type { ChatMessage } from '../../templates/messages.js';
import { answerOf } from '../../text/reasoning.js';
import { type TextPiece, textOf } from '../../text/text-stream.js';
import { EXIT } from '../failures.js';
import { inFlags } from '../flag-names.js';
import type { Interrupts } from '../interrupts.js';
import type { Io } from '../io.js';
import { type PromptSources, readPrompt } from '../prompt.js';
import { type BrokenEvent, textIn } from '../render/broken-text.js';
import type { ColorChoice } from '../render/colors.js';
import { jsonLine } from '../render/json.js';
import { openShownText, plainPrinter } from '../render/printers.js';
import type { Progress } from '../render/progress.js';
import { TextOutput } from '../render/text-output.js';
import { heeded } from './heeded.js';
import { NOTHING_TOLD, type ServedRun, servedCutNotice, servedJson, servedStats } from './result.js';
import type { UrlFlags } from './url-options.js';

/** How the text is asked for, and shown. Undefined = not given. */
interface ServedFlags extends UrlFlags {
  readonly url: string;
  readonly system?: string;
  /** Where the system text is from, unless a flag gave it. */
  readonly systemFrom?: string | undefined;
  readonly chat?: boolean;
  readonly raw?: boolean;
  readonly json?: boolean;
  readonly jsonl?: boolean;
  /** A file; undefined = standard output. */
  readonly output?: string | undefined;
  readonly stream: boolean;
  readonly stats?: boolean;
  readonly hideReasoning?: boolean;
  readonly wrap: boolean;
  readonly color: ColorChoice;
  readonly quiet?: boolean;
}

/** Has a server write the text of a prompt. @returns the exit code */
export async function writeFromServer(
  io: Io,
  sources: PromptSources,
  flags: ServedFlags,
  settings: Settings,
  program: Command,
  { interrupts, progress }: { interrupts: Interrupts; progress: Progress },
): Promise<number> {
  const { signal } = interrupts;
  const say = (line: string) => {
    progress.stop();
    if (!flags.quiet) io.say(line);
  };
  const server = new TextServer({ url: flags.url, key: flags.apiKey });
  const prompt = await readPrompt(sources, io, signal, say);
  if (prompt === '') throw new UsageError('The prompt is empty');
  progress.loading(`Waiting for ${new URL(server.url).host}`);
  const { names, owner } = await server.models(signal).catch((error): ServedModels => {
    if (signal.aborted) return { names: [], owner: undefined };
    throw error;
  });
  const model = flags.servedModel ?? names[0];
  const there = { url: server.url, owner, isRaw: flags.raw === true, say };
  const fields = signal.aborted ? {} : bodyOf(heeded(settings, program, there), owner);
  const system = flags.raw ? undefined : flags.system;
  const isForced = flags.chat || (system !== undefined && flags.systemFrom === undefined);
  const form = flags.raw ? 'raw' : isForced ? 'chat' : 'auto';
  const run: ServedRun = { url: server.url, model, params: { ...fields, system: system ?? null } };
  const user: ChatMessage = { role: 'user', content: prompt };
  const messages = system === undefined ? [user] : [{ role: 'system' as const, content: system }, user];
  const request: ServedRequest = { messages, form, model, fields };

  const print = await printerFor(io, flags, run);
  const output = new TextOutput({ io, output: flags.output, onLoss: () => interrupts.abort() });
  let result: ServedResult | undefined;
  const pieces: TextPiece[] = [];
  const shown = <Event extends object>(event: Event) =>
    flags.hideReasoning ? withoutReasoning(event) : event;
  try {
    for await (const event of writeServed(server, request, signal)) {
      if (event.type === 'start' && event.form === 'raw' && flags.systemFrom !== undefined && system)
        say(`the system text of ${flags.systemFrom} is not used: ${model} has no chat template`);
      if (event.type !== 'start') progress.stop();
      if (event.type === 'end') result = event.result;
      if (event.type === 'text') pieces.push(...event.pieces);
      const seen = shown(event);
      await output.print(print(seen), seen.type === 'text' ? textOf(seen.pieces) : '');
    }
  } catch (error) {
    progress.stop();
    const result = { ...NOTHING_TOLD, ...textIn(pieces), finishReason: 'error' };
    const event = { type: 'broken', result, error: inFlags((error as Error).message) } as const;
    await output.print(print(shown(event)), '');
    output.rescue();
    throw error;
  }
  await output.finish();
  if (output.readerLeft) return interrupts.exitCode ?? EXIT.ok;
  const notice = noticeAbout(result!, settings, flags);
  if (notice !== undefined && !flags.quiet) io.say(notice);
  if ((flags.stats ?? io.isWatched) && !flags.quiet)
    io.stderr.write(servedStats(run, result!, io.colors(flags.color, io.stderr)));
  return result!.finishReason === 'interrupted' ? (interrupts.exitCode ?? EXIT.ok) : EXIT.ok;
}

/** What a printer is told. */
type PrintedEvent = ServedEvent | BrokenEvent<ServedResult>;

async function printerFor(
  io: Io,
  flags: ServedFlags,
  run: ServedRun,
): Promise<(event: PrintedEvent) => string> {
  if (flags.json)
    return (event) => (event.type === 'end' || event.type === 'broken' ? jsonLine(endOf(event, run)) : '');
  if (flags.jsonl) return (event) => (isEmpty(event) ? '' : jsonLine(lineOf(event, run)));
  const onTerminal = flags.output === undefined && io.stdout.isTTY === true;
  const shown = onTerminal ? await openShownText(io.stdout, flags.wrap) : undefined;
  return plainPrinter({ stream: flags.stream, shown, highlight: undefined });
}

/** Whether nothing of an event is to be seen. */
function isEmpty(event: PrintedEvent): boolean {
  return event.type === 'text' && event.pieces.length === 0;
}

/** An event of --jsonl. */
function lineOf(event: PrintedEvent, run: ServedRun): object {
  if (event.type === 'start')
    return { type: 'start', schema: 1, prompt_tokens: null, params: { url: run.url, ...run.params } };
  if (event.type === 'text') return { type: 'text', text: textOf(event.pieces) };
  return { type: 'end', ...endOf(event, run) };
}

/** The object of --json, which tells why a text broke off. */
function endOf(event: Extract<PrintedEvent, { result: unknown }>, run: ServedRun): object {
  const { type, result } = event;
  return { ...servedJson(run, result), ...(type === 'broken' && { error: event.error }) };
}

/** What an early end has left undone. */
function noticeAbout(
  result: ServedResult,
  { maxTokens, grammar }: Settings,
  { hideReasoning }: ServedFlags,
): string | undefined {
  const { finishReason, reasoning } = result;
  if (finishReason === 'interrupted') return undefined;
  const isCut = finishReason === 'length';
  const remedy = isCut ? '; raise --max-tokens' : '';
  if (hideReasoning && reasoning && answerOf(result) === '')
    return `the text ended before there was an answer${remedy}`;
  if (isCut && grammar) return `the text ended before the grammar was complete${remedy}`;
  return servedCutNotice(result, maxTokens);
}
