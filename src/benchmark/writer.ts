import { joulesBetween } from '../energy/counters.js';
import type { Meter } from '../energy/meter.js';
import type { PeerName, Peers } from '../engine/llama/peers.js';
import type { GenerationEvent } from '../generation/events.js';
import { generate, type Prompt } from '../generation/generate.js';
import type { RunOptions } from '../generation/run-options.js';
import type { SharedSetting } from '../generation/setting-names.js';
import type { Settings } from '../generation/settings.js';
import type { Pair } from '../models/pair.js';
import { definitionOf } from '../strategies/index.js';
import type { TemplateChoice } from '../templates/open-template.js';
import { LearnedMemory } from '../tuning/learned-store.js';
import type { TokenId } from '../types.js';
import { type Entry, nameOf, settingsOf } from './contenders.js';
import type { Contender, Generation } from './report.js';
import { watchedModel } from './watched-model.js';

/** A participant of a benchmark, which continues a prompt and is timed. */
export interface Writer {
  readonly contender: Contender;
  write(task: Task): Promise<Written>;
}

export interface Task {
  readonly prompt: { readonly request: Prompt; readonly tokens: readonly TokenId[] };
  readonly maxTokens: number;
  /** The most tokens of prompt and text together. */
  readonly contextSize: number;
  readonly seed: number;
}

/** The facts of a generation that the writer itself knows. */
export type Written = Pick<
  Generation,
  'tokens' | 'finishReason' | 'ms' | 'passes' | 'speculation' | 'joules'
>;

/** The options that all writers share. */
export interface Writing {
  readonly settings: Pick<Settings, Exclude<SharedSetting, 'maxTokens'>>;
  readonly template: TemplateChoice;
  readonly run: RunOptions & { readonly signal: AbortSignal };
  readonly meter: Meter;
}

/** Events after which the loop may begin: the passes before do not count, those that measure costs neither. */
const BEFORE_THE_LOOP: ReadonlySet<GenerationEvent['type']> = new Set(['start', 'prefill', 'costs']);

/** Returns a writer for a strategy of this project on an engine. */
export function strategyWriter(
  pair: Pair,
  entry: Entry,
  { settings, template, run, meter }: Writing,
): Writer {
  const { name: strategy, isLossless, mayRefuse, look = null } = definitionOf(entry.strategy);
  const learned = new LearnedMemory(); // so that its texts teach no other contender, and no run before teaches it
  return {
    contender: {
      ...entry,
      strategy,
      traits: { isLossless, mayRefuse, look },
      name: nameOf(entry),
      engine: pair.engine.name,
    },
    async write({ prompt, maxTokens, contextSize, seed }) {
      const sizes = { target: new Map<number, number>(), draft: new Map<number, number>() };
      const onPass = {
        target: (tokens: number) => count(sizes.target, tokens),
        draft: (tokens: number) => count(sizes.draft, tokens),
      };
      const watched: Pair = {
        ...pair,
        target: watchedModel(pair.target, onPass.target, onPass.draft),
        draft: pair.draft && watchedModel(pair.draft, onPass.draft),
      };
      const input = { ...settings, ...template, ...settingsOf(entry), maxTokens, seed };
      let before = await meter.read();
      for await (const event of generate(watched, prompt.request, input, { ...run, learned, contextSize })) {
        if (BEFORE_THE_LOOP.has(event.type)) {
          before = await meter.read(); // the last reading is at the beginning of the loop
          sizes.target.clear();
          sizes.draft.clear();
        }
        if (event.type !== 'end') continue;
        const joules = joulesBetween(before, await meter.read());
        const { tokens, finishReason, prefillMs, firstTokenMs, counters } = event.result;
        const { steps, targetPasses, draftPasses, drafted, accepted } = counters;
        const { draft, verify, own, decode } = counters.ms;
        const { draftedByPosition, acceptedByPosition, bySource } = counters;
        return {
          tokens,
          finishReason,
          ms: { prefill: prefillMs, firstToken: firstTokenMs, draft, verify, own, decode },
          passes: { target: [...sizes.target], draft: [...sizes.draft] },
          speculation: {
            steps,
            targetPasses,
            draftPasses,
            drafted,
            accepted,
            draftedByPosition,
            acceptedByPosition,
            bySource,
          },
          joules,
        };
      }
      throw new Error('A generation ended without a result');
    },
  };
}

/** Returns a writer for one of node-llama-cpp's own ways. */
export function peerWriter(peers: Peers, peer: PeerName, { settings, run, meter }: Writing): Writer {
  return {
    contender: {
      name: peer,
      role: 'peer',
      engine: 'node-llama-cpp',
      strategy: null,
      traits: null,
      settings: {},
    },
    async write({ prompt, maxTokens, contextSize, seed }) {
      let before = await meter.read();
      let after = before;
      const { tokens, finishReason, prefillMs, firstTokenMs, decodeMs } = await peers.write({
        ...settings,
        peer,
        prompt: prompt.tokens,
        maxTokens,
        contextSize,
        seed,
        signal: run.signal,
        onDecode: async () => {
          before = await meter.read();
        },
        onDecoded: async () => {
          after = await meter.read();
        },
      });
      const unknown = { draft: null, verify: null, own: null };
      return {
        tokens,
        finishReason,
        ms: { prefill: prefillMs, firstToken: firstTokenMs, decode: decodeMs, ...unknown },
        passes: null,
        speculation: null,
        joules: joulesBetween(before, after),
      };
    },
  };
}

function count(sizes: Map<number, number>, tokens: number): void {
  sizes.set(tokens, (sizes.get(tokens) ?? 0) + 1);
}
