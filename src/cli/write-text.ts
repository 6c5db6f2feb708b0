import type { GenerationResult } from '../generation/events.js';
import { withoutReasoning } from '../generation/events.js';
import { generate, type Prompt } from '../generation/generate.js';
import type { RunOptions } from '../generation/run-options.js';
import type { Settings } from '../generation/settings.js';
import type { Pair } from '../models/pair.js';
import type { OpenTemplate } from '../templates/open-template.js';
import { answerOf } from '../text/reasoning.js';
import type { FinishReason } from '../types.js';
import { cutNotice } from './cut-notice.js';
import { driftNoticeOf } from './drift-notice.js';
import { EXIT } from './failures.js';
import { inFlags } from './flag-names.js';
import type { Interrupts } from './interrupts.js';
import type { Io } from './io.js';
import { BrokenText } from './render/broken-text.js';
import { type ColorChoice, colorsFor } from './render/colors.js';
import type { Run } from './render/json.js';
import { Output } from './render/output.js';
import {
  highlightPrinter,
  jsonLinesPrinter,
  jsonPrinter,
  openShownText,
  type Printer,
  plainPrinter,
} from './render/printers.js';
import type { Progress } from './render/progress.js';
import { statsText } from './render/stats.js';
import { type RuntimeFlags, runOptionsOf } from './runtime-options.js';

/** What decides how a text is shown, and where. Undefined = not given. */
export interface TextFlags extends RuntimeFlags {
  system?: string;
  json?: boolean;
  jsonl?: boolean;
  /** A file; undefined = standard output. */
  output?: string | undefined;
  stream: boolean;
  stats?: boolean;
  highlight?: boolean;
  hideReasoning?: boolean;
  trace?: string;
  wrap: boolean;
  color: ColorChoice;
  quiet?: boolean;
}

/** Writes the text of one prompt, and what is to be said of it. @returns the exit code */
export async function writeText(
  io: Io,
  pair: Pair,
  prompt: Prompt,
  template: OpenTemplate | undefined,
  flags: TextFlags,
  settings: Settings,
  { loadMs, interrupts, progress }: { loadMs: number; interrupts: Interrupts; progress: Progress },
): Promise<number> {
  const output = new Output({
    io,
    printer: await printerFor(io, flags),
    output: flags.output,
    trace: flags.trace,
    onLoss: () => interrupts.abort(),
  });
  const runOptions: RunOptions = { ...runOptionsOf(flags, io), signal: interrupts.signal };
  let run: Run | undefined;
  let result: GenerationResult | undefined;
  const broken = new BrokenText();
  const shown = <Event extends object>(event: Event) =>
    flags.hideReasoning ? withoutReasoning(event) : event;
  try {
    for await (const event of generate(pair, prompt, settings, runOptions)) {
      if (event.type === 'start') {
        const { settings: effective, contextSize, promptTokens } = event;
        const runtime = { ...flags, contextSize };
        run = { pair, template, settings: effective, runtime, promptTokens: promptTokens.length, loadMs };
      }
      if (event.type === 'costs') run = { ...run!, costs: event.costs };
      if (event.type === 'prefill') progress.prefill(event.done, event.total);
      if (event.type === 'text' || event.type === 'end') progress.stop();
      if (event.type === 'end') result = event.result;
      broken.learn(event);
      await output.take(shown(event), run!);
    }
  } catch (error) {
    progress.stop();
    const event = {
      type: 'broken',
      result: broken.result,
      error: inFlags((error as Error).message),
    } as const;
    if (run) await output.take(shown(event), run);
    output.rescue();
    throw error;
  }
  await output.finish();

  if (output.readerLeft) return interrupts.exitCode ?? EXIT.ok;
  const limits = { ...run!.settings, contextSize: run!.runtime.contextSize };
  const notice = whatIsUndone(result!, run!.settings, flags) ?? cutNotice(result!, limits);
  const drift = await driftNoticeOf(result!, pair.history);
  for (const one of [notice, drift]) if (one !== undefined && !flags.quiet) io.say(one);
  if ((flags.stats ?? io.isWatched) && !flags.quiet)
    io.stderr.write(statsText(run!, result!, io.colors(flags.color, io.stderr)));
  return result!.finishReason === 'interrupted' ? interrupts.exitCode! : EXIT.ok;
}

/** What to do about an early end. */
const REMEDIES: Partial<Record<FinishReason, string>> = {
  length: 'raise --max-tokens',
  context: 'raise --ctx-size',
  stop: 'choose another --stop',
};

/** What an early end has left undone where less came than was asked for. */
function whatIsUndone(
  result: GenerationResult,
  { stop }: Settings,
  { hideReasoning }: TextFlags,
): string | undefined {
  const { finishReason, reasoning, grammarComplete } = result;
  if (finishReason === 'interrupted') return undefined;
  const isOfTemplate = finishReason === 'stop' && stop.length === 0;
  const remedy = isOfTemplate || !REMEDIES[finishReason] ? '' : `; ${REMEDIES[finishReason]}`;
  if (hideReasoning && reasoning && answerOf(result) === '')
    return `the text ended before there was an answer${remedy}`;
  return grammarComplete === false ? `the text ended before the grammar was complete${remedy}` : undefined;
}

async function printerFor(io: Io, flags: TextFlags): Promise<Printer> {
  if (flags.json) return jsonPrinter;
  if (flags.jsonl) return jsonLinesPrinter;
  const onTerminal = flags.output === undefined && io.stdout.isTTY === true;
  const highlight = flags.highlight ? colorsFor(flags.color, onTerminal, io.env) : undefined;
  const shows = onTerminal && (highlight?.level ?? 0) > 0 ? highlightPrinter : plainPrinter;
  const shown = onTerminal ? await openShownText(io.stdout, flags.wrap) : undefined;
  return shows({ stream: flags.stream, shown, highlight });
}
