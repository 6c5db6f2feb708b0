/** One whole generation on a real pair, as the tests of `generate` look at it. */
import type { Step } from '../../src/decoding/loop.js';
import type { Context } from '../../src/engine/passes.js';
import type { Model } from '../../src/engine/port.js';
import type { GenerationEvent, GenerationResult } from '../../src/generation/events.js';
import { generate, type Prompt } from '../../src/generation/generate.js';
import type { RunOptions } from '../../src/generation/run-options.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import type { Pair } from '../../src/models/pair.js';
import type { TextPiece } from '../../src/text/text-stream.js';
import type { TokenId } from '../../src/types.js';

export const PROMPT = 'Once upon a time';

export interface Run extends GenerationResult {
  readonly promptTokens: readonly TokenId[];
  readonly steps: readonly Step[];
  readonly pieces: readonly TextPiece[];
  readonly prefills: readonly { readonly done: number; readonly total: number }[];
  readonly types: readonly GenerationEvent['type'][];
}

/**
 * Runs to the end, on one thread: more bring nothing to models of this size; unless told otherwise with four drafted tokens
 * per step, not with what pays on the machine of the day. `watch` sees each event as it comes.
 */
export async function run(
  pair: Pair,
  settings: SettingsInput,
  {
    prompt = PROMPT,
    watch,
    ...options
  }: RunOptions & { prompt?: Prompt; watch?: (event: GenerationEvent) => void } = {},
): Promise<Run> {
  const events: GenerationEvent[] = [];
  for await (const event of generate(
    pair,
    prompt,
    { draftLength: 4, ...settings },
    { threads: 1, ...options },
  )) {
    events.push(event);
    watch?.(event);
  }
  const of = <T extends GenerationEvent['type']>(type: T) =>
    events.filter((event): event is Extract<GenerationEvent, { type: T }> => event.type === type);
  return {
    ...of('end')[0]!.result,
    promptTokens: of('start')[0]!.promptTokens,
    steps: of('step').map(({ step }) => step),
    pieces: of('text').flatMap(({ pieces }) => pieces),
    prefills: of('prefill'),
    types: events.map(({ type }) => type),
  };
}

/** The pair itself, and the contexts that are opened through it from now on: all of them, and those not freed yet. */
export function watchContexts(pair: Pair) {
  const opened: Context[] = [];
  const open = new Set<Context>();
  const watched = (model: Model): Model => ({
    tokenizer: model.tokenizer,
    chatTemplate: (choice) => model.chatTemplate!(choice),
    createGrammar: (source) => model.createGrammar(source),
    async createContext(options) {
      const context = await model.createContext(options);
      const dispose = context.dispose.bind(context);
      context.dispose = async () => {
        await dispose();
        open.delete(context);
      };
      opened.push(context);
      open.add(context);
      return context;
    },
  });
  const watchedPair = { ...pair, target: watched(pair.target), draft: pair.draft && watched(pair.draft) };
  return { pair: watchedPair, opened, open };
}
