import type { Step } from '../decoding/loop.js';
import type { DraftLength, InPlaceOfDraft, SideGuess } from '../drafting/length.js';
import { jointLogQ, likeliestLeaf, pathTo } from '../math/draft-tree.js';
import type { LogProb } from '../types.js';
import { Account } from './account.js';
import { Belief } from './belief.js';
import { CostCorrection } from './cost-correction.js';
import type { CostCurves } from './cost-curves.js';
import { FreeWorth } from './free-worth.js';
import { type Learned, prior, under } from './learned.js';
import { Pause } from './pause.js';
import { MOST_GUESSES, StepCosts } from './step-costs.js';
import { StepWorth } from './step-worth.js';
import { UNTOLD } from './survival.js';
import { TailWorth } from './tail-worth.js';

/** Guesses of a step that only finds out whether guessing pays after all. */
const PROBE = 4;

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
  /** Number of sources that take no pass and may guess in place of the draft; undefined: none. */
  readonly freeSources?: number | undefined;
}

/**
 * The draft length that pays: at each depth, is the next guess worth its pass? A guess is worth the tokens that it brings,
 * time has the price of the tokens that it brought so far, and a purse bounds what may be lost to a draft that is never
 * right. All it knows is deterministic: time is what passes of this width cost by the curves, not what the clock says,
 * so that the same seed gives the same text wherever the same curves are given.
 */
export class AdaptiveLength implements DraftLength {
  readonly costs: CostCurves;
  #beamWidth: number;
  readonly #step: StepCosts;
  readonly #belief: Belief;
  readonly #account: Account;
  readonly #tail: TailWorth | undefined;
  readonly #freeSources: FreeWorth | undefined;
  readonly #worth: StepWorth;
  readonly #correction: CostCorrection;
  readonly #pause = new Pause();
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
    { beamWidth, isTold, threshold, tail, freeSources }: Guesser,
    learned: Learned = prior(threshold),
  ) {
    const known = under(learned, threshold);
    this.costs = costs;
    this.#beamWidth = beamWidth;
    this.#step = new StepCosts(costs, beamWidth);
    this.#belief = new Belief(isTold, known);
    this.#account = new Account(this.#step.plainMs, known.purse);
    this.#tail = tail && new TailWorth(tail.isTold, UNTOLD, threshold, known.tail);
    this.#freeSources = freeSources ? new FreeWorth(freeSources, UNTOLD, threshold, known) : undefined;
    this.#worth = new StepWorth(this.#step, this.#belief, this.#account, this.#tail);
    this.#correction = new CostCorrection(costs);
  }

  /** What the next text begins with. */
  get learned(): Learned {
    const tail = this.#tail?.learned;
    return {
      ...this.#belief.learned,
      purse: this.#account.left,
      ...(tail && { tail }),
      ...this.#freeSources?.learned,
    };
  }

  /** The costs as the text has shown them; undefined where they were right. */
  get corrected(): CostCurves | undefined {
    return this.#correction.corrected;
  }

  begin(room: number, judgesAll: boolean): number {
    this.#judgesAll = judgesAll;
    this.#most = this.#pause.isOn ? 0 : this.#mostNow(Math.min(MOST_GUESSES, room));
    this.#passes = Math.min(1, this.#most);
    return this.#most;
  }

  #mostNow(room: number): number {
    const affordable = this.#step.affordable(this.#account.purse, room);
    const { worth, guesses } = this.#worth.ahead(0, 0, 0, affordable);
    this.#isProbe = worth <= this.#worth.plain;
    const most = this.#isProbe ? this.#mostOfProbe(guesses, affordable) : affordable;
    this.#pause.asked(most > 0);
    return most;
  }

  /** There is something to find out only if guessing pays with a draft that is as good as it may still be. */
  #mostOfProbe(guesses: number, affordable: number): number {
    const isAffordable = this.#account.purse >= 2 * this.#step.lossOf(guesses);
    if (!isAffordable || this.#worth.ahead(0, 0, 0, affordable, true).worth <= this.#worth.plain) return 0;
    return Math.min(PROBE, affordable);
  }

  goesOn(logQ: readonly LogProb[], isEnd: boolean): boolean {
    const goesOn = !isEnd && (this.#isProbe || this.#paysToGoOn(logQ));
    if (goesOn) this.#passes++;
    return goesOn;
  }

  #paysToGoOn(logQ: readonly LogProb[]): boolean {
    const depth = logQ.length;
    const expected = this.#belief.expected(logQ);
    const q = this.#belief.told(logQ.at(-1)!, depth);
    const { worth } = this.#worth.ahead(depth, q, expected[depth]!, this.#most - depth);
    const ends = this.#worth.ends(expected);
    return worth > (this.#judgesAll ? ends.at(-1)! : Math.max(...ends));
  }

  judged(logQ: readonly LogProb[]): number {
    if (this.#isProbe || logQ.length === 0) return logQ.length;
    const ends = this.#worth.ends(this.#belief.expected(logQ));
    return ends.indexOf(Math.max(...ends));
  }

  /** Another guess brings a token where the likeliest one of its depth fails and it does not. */
  judgesBeside(added: readonly SideGuess[], rows: number): boolean {
    const gains = added.map(({ depth, logQ, likeliestLogQ }) => {
      if (likeliestLogQ === -Infinity) return 0; // behind the end of the likeliest beam nothing passes
      return (1 - this.#belief.chanceOf(likeliestLogQ, depth)) * this.#belief.chanceOf(logQ, depth);
    });
    const gain = gains.reduce((a, b) => a + b, 0);
    const ms = this.#step.targetMs(rows + added.length);
    const isAffordable = ms + this.#spentMs <= this.#account.purse;
    return !this.#isProbe && isAffordable && gain > this.#account.price * (ms - this.#step.targetMs(rows));
  }

  goesOnWithoutPass(logQ: readonly LogProb[], tailLogQ: readonly LogProb[], rows: number): boolean {
    if (!this.#tail) return false;
    const chance = this.#chanceOfAll(logQ);
    const { price, purse } = this.#account;
    const spent = this.#spentMs;
    const priceOf = (guesses: number) => {
      const ms = this.#step.targetMs(rows + guesses);
      return ms + spent > purse ? Number.POSITIVE_INFINITY : price * (ms - this.#step.targetMs(rows));
    };
    const most = MOST_GUESSES + 1 - logQ.length - tailLogQ.length;
    return this.#tail.goesOn(tailLogQ, chance, priceOf, most);
  }

  inPlaceOfDraft(matched: readonly number[], room: number): InPlaceOfDraft | undefined {
    if (!this.#freeSources) return undefined;
    const { price, purse } = this.#account;
    const most = Math.min(MOST_GUESSES, room);
    const drafted = this.#worth.ahead(0, 0, 0, this.#step.affordable(purse, most)).worth;
    const worthOf = (accepted: number, guesses: number) => {
      const ms = this.#step.targetMs(guesses + 1);
      return ms - this.#step.plainMs > purse ? Number.NEGATIVE_INFINITY : 1 + accepted - price * ms;
    };
    return this.#freeSources.choose(matched, most, worthOf, this.#worth.plain, drafted);
  }

  /** The threshold has moved, by so much of its natural log. */
  thresholdMoved(move: number): void {
    if (move === 0) return;
    this.#freeSources?.thresholdMoved(move);
    this.#tail?.thresholdMoved(move);
    this.#belief.thresholdMoved(move);
  }

  /** So many beams are drafted from the next step on. */
  beamsChanged(beamWidth: number): void {
    this.#beamWidth = beamWidth;
    this.#step.beamsChanged(beamWidth);
  }

  /** Learns from what became of a step. */
  learn(step: Step): void {
    const { draft, emitted, draftPasses } = step;
    this.#pause.passed();
    this.#correction.add(step, this.#step.unread, this.#beamWidth);
    const ms = this.#step.targetMs(draft.length + 1) + this.#step.chargedMs(draftPasses);
    const judged = judgedIn(step);
    if (this.#freeSources?.learn(Math.min(draft.length, judged), step.accepted)) this.#belief.rest();
    else if (draft.length === 0) this.#learnPlain();
    else this.#learnDraft(step, judged);
    const ofModel = step.path.filter((node) => !draft[node]!.isTail).length;
    const read = draftPasses > 0 ? this.#step.unread + Math.min(ofModel, draftPasses - 1) : 0; // the last guess was not
    this.#step.emitted(emitted.length, read);
    this.#account.add(emitted.length, ms);
  }

  #learnPlain(): void {
    this.#belief.rest();
    this.#tail?.learn([], 0, 1, 0);
  }

  #learnDraft({ draft, path: kept, accepted, draftPasses }: Step, judged: number): void {
    const joint = jointLogQ(draft);
    const ofModel = draft.filter(({ isTail }) => !isTail); // they come first
    const path = pathTo(ofModel, likeliestLeaf(ofModel, joint));
    const logQ = path.map((node) => joint[node]!);
    const right = path.filter((node, i) => kept[i] === node).length; // from the first on
    if (this.#freeSources) {
      const end = this.#worth.ends(this.#belief.expected(logQ)).at(-1)!; // in which chance has no part
      this.#freeSources.learnDraft(end - this.#account.price * this.#step.draftMs(0, draftPasses));
    }
    if (this.#tail) {
      const before = logQ.at(-1) ?? 0;
      const tail = joint.slice(ofModel.length).map((q) => q - before);
      const rowsMs = this.#step.targetMs(draft.length + 1) - this.#step.targetMs(ofModel.length + 1);
      const reached = right === path.length ? accepted - path.length : undefined;
      const price = this.#account.price * rowsMs;
      this.#tail.learn(tail, reached, this.#chanceOfAll(logQ), price, judged - path.length);
    }
    const isOtherPath = right < accepted; // which shows that the rest of this one was refused
    if (ofModel.length === 0) this.#belief.rest();
    else this.#belief.learn(isOtherPath ? logQ : logQ.slice(0, judged), right);
  }

  /** How likely all of these guesses are to be accepted. @param logQ [d], joint, of the first 1, 2, … guesses */
  #chanceOfAll(logQ: readonly LogProb[]): number {
    return this.#belief.chanceOf(logQ.at(-1) ?? 0, logQ.length);
  }

  /** What this step has cost so far beyond a plain one, without the target's pass. */
  get #spentMs(): number {
    return this.#step.chargedMs(this.#passes) - this.#step.plainMs;
  }
}

/** Guesses in a row whose fate a step shows. Where the text ends before the target's own token, nothing is known behind its end. */
function judgedIn({ emitted, accepted }: Step): number {
  return emitted.length > accepted ? Number.POSITIVE_INFINITY : accepted;
}
