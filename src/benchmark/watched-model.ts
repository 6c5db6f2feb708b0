import type { Context, Model } from '../engine/port.js';

/** Returns the model with a report of each pass. `onPass` receives the number of tokens that a pass evaluates. */
export function watchedModel(model: Model, onPass: (tokens: number) => void): Model {
  return {
    tokenizer: model.tokenizer,
    isRecurrent: model.isRecurrent ?? false,
    chatTemplate: async (choice) => model.chatTemplate?.(choice),
    createGrammar: (source) => model.createGrammar(source),
    createContext: async (options) => watchedContext(await model.createContext(options), onPass),
  };
}

function watchedContext(context: Context, onPass: (tokens: number) => void): Context {
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
