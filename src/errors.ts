/** The errors a caller may want to tell apart. Each message says what was found, what was expected, what to do. */

/** Options or input that no model needs to be loaded for to refuse. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A model file that is missing, unreadable, not GGUF, or not a model that can generate text. */
export class ModelFileError extends Error {
  override readonly name = 'ModelFileError';
}

/** Two models whose tokens do not mean the same text. */
export class PairMismatchError extends Error {
  override readonly name = 'PairMismatchError';
}

/** A KV cache that does not hold the text, as `verifyCache` has found: a fault of mtad, node-llama-cpp or llama.cpp. */
export class CacheError extends Error {
  override readonly name = 'CacheError';
}

/** Not enough memory, or not enough context for the prompt. */
export class ResourceError extends Error {
  override readonly name = 'ResourceError';
}
