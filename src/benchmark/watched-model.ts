import type { Context } from '../engine/passes.js';
import type { Model } from '../engine/port.js';

type OnPass = (tokens: number) => void;

/**
 * Returns the model with a report of each pass.
 * @param onPass receives the number of tokens that a pass evaluates
 * @param onHeadPass the same for passes of its drafting head; undefined: nobody hears of them
 */
export function watchedModel(model: Model, onPass: OnPass, onHeadPass: OnPass = () => undefined): Model {
  return {
    tokenizer: model.tokenizer,
    isRecurrent: model.isRecurrent ?? false,
    head: model.head && { ...watchedModel(model.head, onHeadPass), layers: model.head.layers },
    chatTemplate: async (choice) => model.chatTemplate?.(choice),
    createGrammar: (source) => model.createGrammar(source),
    createContext: async (options) => watchedContext(await model.createContext(options), onPass),
  };
}

function watchedContext(context: Context, onPass: OnPass): Context {
  return {
    capacity: context.capacity,
    sequences: context.sequences,
    sharesCells: context.sharesCells,
    rollback: context.rollback,
    batchSize: context.batchSize,
    get held() {
      return context.held;
    },
    get least() {
      return context.least;
    },
    run(pass) {
      if (pass.batch.length > 0) onPass(pass.batch.length);
      return context.run(pass);
    },
    dispose: () => context.dispose(),
  };
}
