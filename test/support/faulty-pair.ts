import type { Context, Pass, PassAnswer } from '../../src/engine/passes.js';
import type { Model } from '../../src/engine/port.js';
import type { Pair } from '../../src/models/pair.js';

/** What happens in place of a pass. */
export type Fault = (context: Context, pass: Pass) => Promise<PassAnswer>;

/** The real pair, of whose passes some go wrong. */
export interface FaultyPair {
  readonly pair: Pair;
  /** Puts a fault in the place of the n-th pass from now on, n >= 1, of the first context that was opened through the pair. */
  failIn(n: number, fault: Fault): void;
}

/** @param which of the models is faulty; contexts that only check others are not */
export function faultyPair(pair: Pair, which: 'target' | 'draft'): FaultyPair {
  let [left, next] = [0, undefined as Fault | undefined];
  let isOpen = false;
  const sound = pair[which]!;
  const faulty: Model = {
    tokenizer: sound.tokenizer,
    isRecurrent: sound.isRecurrent ?? false,
    chatTemplate: async (choice) => sound.chatTemplate?.(choice),
    createGrammar: (source) => sound.createGrammar(source),
    async createContext(options) {
      const context = await sound.createContext(options);
      if (isOpen) return context;
      isOpen = true;
      const run = context.run.bind(context);
      context.run = (pass) => (--left === 0 ? next!(context, pass) : run(pass));
      return context;
    },
  };
  return {
    pair: { ...pair, [which]: faulty },
    failIn(n, fault) {
      [left, next] = [n, fault];
    },
  };
}
