import type { GenerationResult } from '../../generation/events.js';
import type { Series } from '../../generation/generate.js';
import type { SettingsInput } from '../../generation/settings.js';
import { settingsOver } from '../../generation/settings-over.js';
import { CUT_OFF } from '../../types.js';
import type { Progress } from '../render/progress.js';
import type { Inputs } from './inputs.js';
import { type Asked, inKeys, type Manner } from './line.js';
import type { Place, Results } from './results.js';

/** A run over many inputs. */
export interface Batch {
  readonly inputs: Inputs;
  readonly manner: Manner;
  readonly series: Series;
  /** Where an input does not say otherwise. */
  readonly settings: SettingsInput;
  readonly results: Results;
  readonly progress: Progress;
  /** Called with each text that is kept. */
  readonly onText: (result: GenerationResult) => Promise<void>;
  readonly signal: AbortSignal;
}

/** What a run has done, in inputs. */
export interface Tally {
  /** With those that were there. */
  done: number;
  /** From an earlier run. */
  earlier: number;
  failed: number;
  /** The first failure, with its place. */
  firstFailure: string | undefined;
  /** Texts that a limit has cut. */
  cut: number;
  tokens: number;
}

/** Writes one text after another. What is wrong with an input costs that input alone. An abort leaves out the text that is unfinished. */
export async function runBatch(batch: Batch): Promise<Tally> {
  const { inputs, manner, results, progress, onText, signal } = batch;
  const tally: Tally = { done: 0, earlier: 0, failed: 0, firstFailure: undefined, cut: 0, tokens: 0 };
  const seen = new Map<string, number>(); // the line of each id
  const order: Place[] = [];
  try {
    for await (const { id, line, asked } of inputs.read(manner)) {
      if (signal.aborted || results.isClosed) break;
      progress.texts(tally.done + tally.failed, inputs.total);
      order.push({ id, line });
      const first = seen.get(String(id));
      seen.set(String(id), first ?? line);
      if (first === undefined && results.has(id)) {
        tally.earlier += 1;
        tally.done += 1;
        continue;
      }
      const text = await textFor(first === undefined ? asked : twice(id, first), batch);
      if (text instanceof Error) {
        const error = inKeys(text.message);
        tally.failed += 1;
        tally.firstFailure ??= `${inputs.placeOf(line)}: ${error}`;
        await results.fail({ id, line, error });
      } else if (text.result.finishReason !== 'interrupted') {
        await results.write({ ...text, id, line });
        await onText(text.result);
        tally.done += 1;
        tally.tokens += text.result.tokens.length;
        if (CUT_OFF.has(text.result.finishReason)) tally.cut += 1;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error; // as of a standard input that was being waited for
  } finally {
    progress.stop();
    await results.close(signal.aborted ? undefined : order);
  }
  return tally;
}

function twice(id: string | number, line: number): Error {
  return new Error(`the id ${JSON.stringify(id)} is that of line ${line} too`);
}

interface Text {
  readonly result: GenerationResult;
  readonly promptTokens: number;
  readonly seed: number;
}

/** @returns the text, or why there is none */
async function textFor(asked: Asked | Error, { series, settings }: Batch): Promise<Text | Error> {
  if (asked instanceof Error) return asked;
  try {
    let text: Omit<Text, 'result'> | undefined;
    for await (const event of series.write(asked.prompt, settingsOver(settings, asked.settings))) {
      if (event.type === 'start')
        text = { promptTokens: event.promptTokens.length, seed: event.settings.seed };
      if (event.type === 'end') return { ...text!, result: event.result };
    }
    throw new Error('The text has no end');
  } catch (error) {
    return error as Error;
  }
}
