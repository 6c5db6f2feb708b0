import type { Step } from '../decoding/loop.js';
import type { DraftLength, Instead, SideGuess } from '../drafting/length.js';
import { jointLogQ, likeliestLeaf, pathTo } from '../math/draft-tree.js';
import type { LogProb, NodeIndex } from '../types.js';
import { Account } from './account.js';
import { CostCorrection } from './cost-correction.js';
import { type CostCurves, passMs } from './cost-curves.js';
import { type FreeLearned, FreeWorth } from './free-worth.js';
import {
  highestSurvivalOf,
  observed,
  priorSurvival,
  type Survival,
  shifted,
  survivalOf,
  unseen,
} from './survival.js';
import { type TailLearned, TailWorth } from './tail-worth.js';

/** Guesses in a row at most, whatever they promise. */
export const MOST_GUESSES = 16;

/** The same where recurrent layers of the target keep a state for each token to take back, which costs memory. */
export const MOST_TAKEN_BACK = 8;

/** Guesses of a step that only finds out whether guessing pays after all. */
const PROBE = 4;

/**
 * The share of plain time that the draft model may take to read what was written without it, at no cost to the purse. Each
 * token is read once, so that no text loses more by it.
 */
const CATCH_UP = 0.02;

/** A guess of which the draft says no likelihood, of a lookup or at temperature 0, counts as if it were this likely. */
const UNTOLD = Math.log(0.7);

/** How much of the usual likelihood of a guess the next step forgets. */
const LIKELIHOOD_RATE = 0.03;

/** How guesses are made and judged. */
export interface Guesser {
  /** Beams in a pass of the draft model, >= 1. */
  readonly beamWidth: number;
  /** Whether their log-probabilities tell how likely they are to be accepted. */
  readonly isTold: boolean;
  /** Of a joint rule, (0, 1]; 1 for the lossless ones. */
  readonly threshold: number;
  /** Another source, which goes on where their guesses end; undefined: there is none. */
  readonly tail?: { readonly isTold: boolean } | undefined;
  /** Sources that may guess in place of the draft; undefined: none. */
  readonly firsts?: number | undefined;
}

/** What a text knows of the draft, for the next. */
export interface Learned {
  readonly survival: Survival;
  /** Nats by which another guess makes them all less likely, >= 0. */
  readonly usualDrop: number;
  /** Undefined: nothing, as where there is no tail. */
  readonly tail?: TailLearned | undefined;
  /** Of the sources that may guess in place of the draft; undefined: nothing, as where there are none. */
  readonly firsts?: readonly FreeLearned[] | undefined;
}

/** What a first text knows. @param threshold of a joint rule, (0, 1]; 1 for the lossless ones */
export function prior(threshold: number): Learned {
  return { survival: priorSurvival(threshold), usualDrop: 0.6 };
}

/**
 * The draft length that pays: at each depth, is the next guess worth its pass? A guess is worth the tokens that it brings,
 * time has the price of the tokens that it brought so far, and a purse bounds what may be lost to a draft that is never
 * right. All it knows is deterministic: time is what passes of this width cost by the curves, not what the clock says,
 * so that the same seed gives the same text wherever the same curves are given.
 */
export class AdaptiveLength implements DraftLength {
  /** Of the target by rows, [1..MOST_GUESSES + 1]. */
  readonly #target: readonly number[];
  readonly costs: CostCurves;
  #beamWidth: number;
  readonly #isTold: boolean;
  readonly #correction: CostCorrection;
  /** What is believed of a draft of which nothing was seen. */
  #first: Survival;
  #survival: Survival;
  /** Of one guess given those before it, as a positive number: what the next ones will probably cost in likelihood. */
  #usualDrop: number;
  readonly #account: Account;
  readonly #tail: TailWorth | undefined;
  readonly #firsts: FreeWorth | undefined;
  /** Committed tokens that the draft model has not read. */
  #unread = 1;
  #most = 0;
  /** Of the draft model in this step, also those whose guesses are not judged. */
  #passes = 0;
  #isProbe = false;
  #judgesAll = false;

  /**
   * For one text.
   * @param learned of the text before
   */
  constructor(
    costs: CostCurves,
    { beamWidth, isTold, threshold, tail, firsts }: Guesser,
    learned: Learned = prior(threshold),
  ) {
    this.costs = costs;
    this.#beamWidth = beamWidth;
    this.#isTold = isTold;
    this.#usualDrop = isTold ? learned.usualDrop : -UNTOLD;
    this.#correction = new CostCorrection(costs);
    this.#first = priorSurvival(threshold);
    this.#survival = learned.survival;
    this.#tail = tail && new TailWorth(tail.isTold, UNTOLD, threshold, learned.tail);
    this.#firsts = firsts ? new FreeWorth(firsts, UNTOLD, threshold, learned.firsts) : undefined;
    this.#target = Array.from({ length: MOST_GUESSES + 2 }, (_, rows) =>
      passMs(costs.target, Math.max(1, rows)),
    );
    this.#account = new Account(this.#plainMs);
  }

  /** What the next text begins with. */
  get learned(): Learned {
    const [tail, firsts] = [this.#tail?.learned, this.#firsts?.learned];
    return { survival: this.#survival, usualDrop: this.#usualDrop, tail, firsts };
  }

  begin(room: number, judgesAll: boolean): number {
    this.#judgesAll = judgesAll;
    const affordable = this.#affordable(Math.min(MOST_GUESSES, room));
    const { value, guesses } = this.#prospect(0, 0, 0, affordable);
    this.#isProbe = value <= this.#plainValue;
    if (!this.#isProbe) this.#most = affordable;
    else if (this.#account.purse >= 2 * this.#loss(guesses, this.#charged) && this.#mayPay(affordable))
      this.#most = Math.min(PROBE, affordable);
    else this.#most = 0;
    this.#passes = Math.min(1, this.#most);
    return this.#most;
  }

  goesOn(logQ: readonly LogProb[], isEnd: boolean): boolean {
    const goesOn = !isEnd && (this.#isProbe || this.#paysToGoOn(logQ));
    if (goesOn) this.#passes++;
    return goesOn;
  }

  #paysToGoOn(logQ: readonly LogProb[]): boolean {
    const depth = logQ.length;
    const expected = this.#expected(logQ);
    const { value } = this.#prospect(
      depth,
      this.#told(logQ.at(-1)!, depth),
      expected[depth]!,
      this.#most - depth,
    );
    const ends = this.#valuesOf(expected);
    return value > (this.#judgesAll ? ends.at(-1)! : Math.max(...ends));
  }

  judged(logQ: readonly LogProb[]): number {
    if (this.#isProbe) return logQ.length;
    const values = this.#valuesOf(this.#expected(logQ));
    return values.indexOf(Math.max(...values));
  }

  /** The costs as the text has shown them; undefined where they were right. */
  get corrected(): CostCurves | undefined {
    return this.#correction.corrected;
  }

  /** Another guess brings a token where the likeliest one of its depth fails and it does not. */
  judgesBeside(added: readonly SideGuess[], rows: number): boolean {
    const gains = added.map(({ logQ, likeliestLogQ }) => {
      if (likeliestLogQ === -Infinity) return 0; // behind the end of the likeliest beam nothing passes
      return (1 - survivalOf(this.#survival, likeliestLogQ)) * survivalOf(this.#survival, logQ);
    });
    const gain = gains.reduce((a, b) => a + b, 0);
    const ms = this.#targetMs(rows + added.length);
    const isAffordable = ms + this.#spentMs <= this.#account.purse;
    return !this.#isProbe && isAffordable && gain > this.#account.price * (ms - this.#targetMs(rows));
  }

  goesOnWithoutPass(logQ: readonly LogProb[], tailLogQ: readonly LogProb[], rows: number): boolean {
    const chance = this.#chanceOf(logQ);
    const { price, purse } = this.#account;
    const spent = this.#spentMs;
    const priceOf = (guesses: number) => {
      const ms = this.#targetMs(rows + guesses);
      return ms + spent > purse ? Number.POSITIVE_INFINITY : price * (ms - this.#targetMs(rows));
    };
    const most = MOST_GUESSES + 1 - logQ.length - tailLogQ.length;
    return this.#tail?.goesOn(tailLogQ, chance, priceOf, most) ?? false;
  }

  instead(matched: readonly number[], room: number): Instead | undefined {
    const most = Math.min(MOST_GUESSES, room);
    const drafted = this.#prospect(0, 0, 0, this.#affordable(most)).value;
    const value = (accepted: number, guesses: number) => {
      const ms = this.#targetMs(guesses + 1);
      return ms - this.#plainMs > this.#account.purse
        ? Number.NEGATIVE_INFINITY
        : 1 + accepted - this.#account.price * ms;
    };
    return this.#firsts?.choose(matched, most, value, Math.max(this.#plainValue, drafted));
  }

  /** The threshold has moved, by so much of its natural log. */
  thresholdMoved(move: number): void {
    this.#firsts?.thresholdMoved(move);
    this.#tail?.thresholdMoved(move);
    this.#survival = shifted(this.#survival, move);
    this.#first = shifted(this.#first, move);
  }

  /** So many beams are drafted from the next step on. */
  beamsChanged(beamWidth: number): void {
    this.#beamWidth = beamWidth;
  }

  /** Learns from what became of a step. */
  learn(step: Step): void {
    const { emitted, draftPasses } = step;
    if (this.#firsts?.learn(step.draft.length, step.accepted))
      this.#survival = unseen(this.#survival, this.#first);
    else this.#learnDraft(step);
    const draftMs = this.#draftMs(0, draftPasses, this.#charged);
    this.#correction.add(step, this.#unread, this.#beamWidth);
    const ms = this.#targetMs(step.draft.length + 1) + draftMs;
    const ofModel = step.path.filter((node) => !step.draft[node]!.isTail).length;
    const read = draftPasses > 0 ? this.#unread + Math.min(ofModel, draftPasses - 1) : 0; // the last guess was not
    this.#unread += emitted.length - read;
    this.#account.add(emitted.length, ms);
  }

  #learnDraft(step: Step): void {
    const draft = step.draft.filter(({ isTail }) => !isTail);
    if (draft.length === 0) this.#survival = unseen(this.#survival, this.#first);
    const logQ = jointLogQ(draft);
    const path = pathTo(draft, likeliestLeaf(draft));
    this.#learnTail(step, path);
    for (const [i, node] of path.entries())
      this.#survival = observed(this.#survival, this.#told(logQ[node]!, i + 1), step.path[i] === node);
    if (this.#isTold && path.length > 0) {
      const drop = -logQ[path.at(-1)!]! / path.length;
      this.#usualDrop += LIKELIHOOD_RATE * (drop - this.#usualDrop);
    }
  }

  /** @param path of the guesses before the tail */
  #learnTail({ draft, path: kept, accepted }: Step, path: readonly NodeIndex[]): void {
    if (!this.#tail) return;
    const tail = draft.filter(({ isTail }) => isTail);
    const rows = draft.length - tail.length + 1;
    const price = this.#account.price * (this.#targetMs(draft.length + 1) - this.#targetMs(rows));
    const logQ = jointLogQ(tail.map((node, i) => ({ ...node, parent: i - 1 })));
    const joint = jointLogQ(draft);
    const chance = this.#chanceOf(path.map((node) => joint[node]!));
    const isReached = path.every((node, i) => kept[i] === node);
    this.#tail.learn(logQ, isReached ? accepted - path.length : undefined, chance, price);
  }

  /** How likely all of these guesses are to be accepted. @param logQ [d], of the first 1, 2, … together */
  #chanceOf(logQ: readonly LogProb[]): number {
    const depth = logQ.length;
    return depth === 0 ? 1 : survivalOf(this.#survival, this.#told(logQ.at(-1)!, depth));
  }

  /** The joint log-probability of so many guesses. */
  #told(logQ: LogProb, depth: number): LogProb {
    return this.#isTold ? logQ : depth * UNTOLD;
  }

  #targetMs(rows: number): number {
    return this.#target[rows] ?? passMs(this.costs.target, rows);
  }

  /** What this step has cost so far beyond a plain one, without the target's pass. */
  get #spentMs(): number {
    return this.#draftMs(0, this.#passes, this.#charged) - this.#plainMs;
  }

  get #plainMs(): number {
    return this.#target[1]!;
  }

  /** Tokens that a step without guesses of the model brings, less the price of its time. */
  get #plainValue(): number {
    return this.#valueOf(0, 0, 1);
  }

  /** Expected accepted tokens of the first 0, 1, … guesses. */
  #expected(logQ: readonly LogProb[]): number[] {
    const sums = [0];
    for (const [i, q] of logQ.entries())
      sums.push(sums[i]! + survivalOf(this.#survival, this.#told(q, i + 1)));
    return sums;
  }

  /** The value of ending behind the first 0, 1, … guesses. @param expected accepted tokens of each */
  #valuesOf(expected: readonly number[]): number[] {
    return expected.map((accepted, guesses) => {
      const chance = guesses === 0 ? 1 : accepted - expected[guesses - 1]!;
      return this.#valueOf(accepted, guesses, chance);
    });
  }

  /**
   * Tokens that the target's pass over so many guesses brings, less the price of its time.
   * @param chance that all are accepted, so that those of a tail count
   */
  #valueOf(accepted: number, guesses: number, chance: number): number {
    const tail = chance * (this.#tail?.worth ?? 0);
    return 1 + accepted + tail - this.#account.price * this.#target[guesses + 1]!;
  }

  /** Whether guessing pays if the draft is as good as it may still be: only then is there something to find out. */
  #mayPay(most: number): boolean {
    return this.#prospect(0, 0, 0, most, highestSurvivalOf).value > this.#plainValue;
  }

  /**
   * The best that can be had by guessing on.
   * @param depth guesses so far, q their joint log-probability, `expected` how many of them will be accepted
   * @param most further guesses at most
   * @param chanceOf how likely a guess is to be accepted
   * @returns its value and how many further guesses that takes, >= 1 unless there is room for none
   */
  #prospect(
    depth: number,
    q: LogProb,
    expected: number,
    most: number,
    chanceOf = survivalOf,
  ): { value: number; guesses: number } {
    const unread = this.#recent;
    const { price } = this.#account;
    let best = { value: Number.NEGATIVE_INFINITY, guesses: 0 };
    let accepted = expected;
    for (let guesses = 1; guesses <= most; guesses++) {
      const end = depth + guesses;
      const chance = chanceOf(this.#survival, q - guesses * this.#usualDrop);
      accepted += chance;
      const value = this.#valueOf(accepted, end, chance) - price * this.#draftMs(depth, end, unread);
      if (value > best.value) best = { value, guesses };
    }
    return best;
  }

  /** Guesses that the purse can pay for if none of them is right: [0..most]. */
  #affordable(most: number): number {
    const unread = this.#charged;
    let guesses = 0;
    while (guesses < most && this.#loss(guesses + 1, unread) <= this.#account.purse) guesses++;
    return guesses;
  }

  /** What a step costs more than a plain one. */
  #loss(guesses: number, unread: number): number {
    return this.#target[guesses + 1]! + this.#draftMs(0, guesses, unread) - this.#plainMs;
  }

  /** Tokens that a step leaves to be read. What plain steps left beyond these is read once: it is no price of guessing. */
  get #recent(): number {
    return Math.min(this.#unread, MOST_GUESSES + 1);
  }

  /** Tokens whose reading counts as lost: all, unless those of the plain steps are read in a small part of their time. */
  get #charged(): number {
    const rest = this.#draftMs(0, 1, this.#unread) - this.#draftMs(0, 1, this.#recent);
    return rest > CATCH_UP * this.#unread * this.#plainMs ? this.#unread : this.#recent;
  }

  /**
   * Passes of the draft model from one depth to another. The first one also reads what was committed since the last.
   * @param unread tokens of that which count
   */
  #draftMs(from: number, to: number, unread: number): number {
    const { draft } = this.costs;
    if (!draft || to === from) return 0;
    const first = from === 0 ? passMs(draft, unread) : 0;
    return first + (to - Math.max(1, from)) * passMs(draft, this.#beamWidth);
  }
}
