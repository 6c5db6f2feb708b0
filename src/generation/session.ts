import { performance } from 'node:perf_hooks';
import type { CacheManager } from '../decoding/cache-manager.js';
import { decode } from '../decoding/loop.js';
import type { DraftLength } from '../drafting/length.js';
import { Passages } from '../drafting/passages.js';
import { UsageError } from '../errors.js';
import { Coins } from '../math/coins.js';
import { penaltiesOf } from '../math/penalties.js';
import { createRng } from '../math/rng.js';
import { likelihoodTruncation } from '../math/sampling-settings.js';
import { readOf } from '../math/truncate.js';
import { createStrategy } from '../strategies/index.js';
import type { ReasoningMarks } from '../templates/reasoning-marks.js';
import { bannedTokens } from '../text/banned-tokens.js';
import { GoingOn } from '../text/begun-text.js';
import { GrammarConstraint } from '../text/grammar-constraint.js';
import { type TextPiece, TextStream, textOf } from '../text/text-stream.js';
import { DriftWatch } from '../tuning/drift.js';
import { usualUnder } from '../tuning/profile.js';
import type { TokenId } from '../types.js';
import { refuseLongPrompt } from './context-size.js';
import { addStep, NO_STEPS } from './counters.js';
import { Dials } from './dials.js';
import {
  adaptiveLength,
  type BeginningText,
  isAdaptive,
  strategyOptions,
  type TextLength,
} from './draft-length.js';
import type { EffectiveSettings, GenerationEvent } from './events.js';
import { type BegunAnswer, grammarStart } from './grammar-start.js';
import type { Parts } from './session-parts.js';

const NOTHING: BegunAnswer = { tokens: [], text: '' };

/**
 * A text that grows, prompt by prompt. Both models' caches stay as they are in between, so that of the next prompt
 * only what is new is evaluated.
 */
export class Session {
  readonly #cache: CacheManager;
  readonly #parts: Parts;
  /** The coins of all its texts. Those of a step that failed are tossed again by the next. */
  readonly coins: Coins;
  #length: TextLength | undefined;
  readonly #dials: Dials;
  readonly #drift: DriftWatch | undefined;
  readonly #passages = new Passages();
  #tokens: readonly TokenId[] = [];
  #isWriting = false;

  /**
   * @param cache to write into, of at least the `cacheShape` that the settings ask for; it stays open. What it holds of another
   *   text is used as far as the next prompt begins with it.
   * @param coins of a text before, to toss other coins than that one
   */
  constructor(cache: CacheManager, parts: Parts, coins = new Coins(createRng(parts.settings.seed))) {
    this.#cache = cache;
    this.#parts = parts;
    this.coins = coins;
    this.#dials = new Dials(parts.settings);
    const usual = usualUnder(parts.run.profile, parts.settings);
    this.#drift = usual && (parts.run.drift ?? new DriftWatch(usual, parts.settings.temperature));
  }

  get settings(): EffectiveSettings {
    return this.#parts.settings;
  }

  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Tokens of the whole text at most. */
  get contextSize(): number {
    return this.#parts.contextSize;
  }

  /** The text so far: the last prompt and what was written on it. */
  get tokens(): readonly TokenId[] {
    return this.#tokens;
  }

  /**
   * Writes on from a prompt, which is the whole text before: 'start', 'prefill' while it is read, 'costs' where the draft
   * length is to follow them, 'step' and 'text' in turn, 'end'.
   * @param begun what of the text is written already: its tokens are the last ones of the prompt
   * @param counted of these tokens, those that count towards `maxTokens`
   * @throws ResourceError when the context does not hold it; UsageError while another text is being written,
   *   or where the grammar does not allow what is written already
   */
  async *write(
    promptTokens: readonly TokenId[],
    signal?: AbortSignal,
    begun: BegunAnswer = NOTHING,
    counted = 0,
  ): AsyncGenerator<GenerationEvent, void> {
    if (this.#isWriting)
      throw new UsageError(
        'Another text is still being written: read its events to the end, or leave their loop',
      );
    this.#isWriting = true;
    try {
      yield* this.#events(promptTokens, signal, begun, counted);
    } finally {
      this.#isWriting = false;
    }
  }

  async *#events(
    promptTokens: readonly TokenId[],
    signal: AbortSignal | undefined,
    begun: BegunAnswer,
    counted: number,
  ): AsyncGenerator<GenerationEvent, void> {
    const { pair, template, settings, contextSize, grammar } = this.#parts;
    const cache = this.#cache;
    refuseLongPrompt(promptTokens, contextSize);
    const { tokenizer } = pair.target;
    const first = grammar && (begun.grammarStart ?? grammarStart(grammar, template, tokenizer, begun));
    yield { type: 'start', promptTokens, settings, contextSize };
    const started = now();
    const before = workOf(cache);
    const prefix = [...promptTokens];
    const start = prefix.length - begun.tokens.length; // of the text
    this.#tokens = prefix; // which decoding appends to
    for await (const progress of cache.prefill(prefix)) {
      yield { type: 'prefill', ...progress };
      if (signal?.aborted) break;
    }
    const prefillMs = now() - started;
    const read = workOf(cache);

    const { endTokens, endTexts = [], reasoning } = template ?? {};
    const isEndToken = (token: TokenId) => tokenizer.isEndOfGeneration(token) || !!endTokens?.has(token);
    const isEnd = (token: TokenId) => !settings.ignoreEos && isEndToken(token);
    // What only one model has is padding, and stands at the end of its vocabulary.
    const vocabularySize = Math.min(pair.targetHeader.vocabulary.tokens.length, ...pair.unshared);
    const banned = bannedTokens(vocabularySize, settings.ignoreEos, isEndToken);
    const constraint = first && new GrammarConstraint(first, prefix.length, banned);
    const sampling = { ...settings, penalties: penaltiesOf(settings), banned, vocabularySize, constraint };
    const dials = this.#dials;
    if (begun.tokens.length === 0) dials.restart();
    this.#drift?.beginText();
    const strategyWith = (length: DraftLength | undefined, asked: Dials['asked'] = {}) =>
      createStrategy(strategyOptions(settings), {
        sampling,
        length,
        ...asked,
        isEnd,
        target: cache.target,
        draft: cache.draft,
        corpus: pair.corpus,
        passages: this.#passages,
      });
    if (isAdaptive(settings) && !signal?.aborted) {
      const read = readOf(likelihoodTruncation(sampling), settings.perplexity);
      const { threshold } = dials;
      yield* this.#adapt({ cache, prompt: prefix, read, strategyWith, threshold, signal });
    }
    const adaptive = this.#length?.length;
    dials.tell(adaptive);
    const strategy = strategyWith(adaptive, dials.asked);
    const { special } = settings;
    const stops = [...settings.stop, ...endTexts];
    const stream = new TextStream(tokenizer, prefix.slice(0, start), stops, { reasoning, special });
    const shown = new GoingOn(stream, begun);
    const steps = decode(strategy, cache, prefix, {
      maxTokens: Math.max(0, settings.maxTokens - counted),
      rng: this.coins.toss,
      endsWith: (token) => (isEnd(token) ? 'eos' : stream.add(token) ? 'stop' : undefined),
      rawLogProbs: settings.perplexity,
      now,
      signal,
    });

    const pieces: TextPiece[] = [];
    let counters = NO_STEPS;
    let firstTokenMs: number | null = null;
    this.coins.takeBack();
    let turn = await steps.next();
    for (; !turn.done; turn = await steps.next()) {
      const step = turn.value;
      this.coins.keep();
      firstTokenMs ??= now() - started;
      counters = addStep(counters, step);
      adaptive?.learn(step);
      this.#drift?.learn(step);
      yield { type: 'step', step, threshold: dials.threshold, beamWidth: dials.beamWidth };
      dials.learn(step, adaptive);
      const added = shown.take(step.accepted);
      pieces.push(...added);
      yield { type: 'text', pieces: added };
    }
    const finishReason = turn.value;
    const rest = shown.end(finishReason === 'stop');
    pieces.push(...rest);
    if (rest.length > 0) yield { type: 'text', pieces: rest };
    await this.#length?.keep(); // which writes to files: whoever reads the text does not wait for that
    pair.history?.add(prefix.slice(promptTokens.length));
    const lastToken = counters.steps > 0 ? 1 : 0; // of the prompt, evaluated with the first draft
    yield {
      type: 'end',
      result: {
        text: textOf(pieces),
        reasoning: reasonedIn(pieces, reasoning),
        tokens: prefix.slice(promptTokens.length),
        finishReason,
        grammarComplete: constraint?.isComplete(prefix) ?? null,
        counters,
        ...dials.reached,
        drift: this.#drift?.drift ?? null,
        cacheCheck: cache.checked ?? null,
        prefillMs,
        firstTokenMs,
        evaluated: {
          target: read.target - before.target + lastToken,
          draft: cache.draft ? read.draft - before.draft + lastToken : 0,
        },
      },
    };
  }

  /** Makes the draft length ready for a text. What the texts before have taught of the draft stays. */
  async *#adapt(text: BeginningText): AsyncGenerator<GenerationEvent, void> {
    const { pair, settings, run } = this.#parts;
    const found = await adaptiveLength(pair, settings, run, text, this.#length?.length.learned);
    this.#length = found;
    if (found) yield { type: 'costs', costs: { ...found.length.costs, measuredMs: found.measuredMs } };
  }
}

function now(): number {
  return performance.now();
}

/** Tokens that each model has evaluated. */
function workOf({ target, draft }: CacheManager) {
  return { target: target.work.tokens, draft: draft?.work.tokens ?? 0 };
}

/** A template that speaks of reasoning tells that the model does some; else only what came tells. */
function reasonedIn(pieces: readonly TextPiece[], marks: ReasoningMarks | undefined): string | null {
  const text = textOf(pieces.filter(({ isReasoning }) => isReasoning));
  return marks?.isOfTemplate || text !== '' ? text : null;
}
