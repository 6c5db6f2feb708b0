/** The parts that the library is made of: the loop, the caches, the engine's port. They may change with every version. */
export { CacheManager } from './decoding/cache-manager.js';
export type { EndCheck } from './decoding/cut.js';
export { type DecodeOptions, decode } from './decoding/loop.js';
export { ModelCache, type NodeReadRequest } from './decoding/model-cache.js';
export { type CacheOptions, openCache } from './decoding/open-cache.js';
export type { Work } from './decoding/work.js';
export type { BatchToken, Context, ContextOptions, ReadRequest } from './engine/passes.js';
export type { Engine, Grammar, GrammarState, ModelOptions } from './engine/port.js';
export { findPair } from './models/pair.js';
export { type ResolveOptions, resolveModel } from './models/resolve.js';
export { createStrategy } from './strategies/index.js';
export { GrammarConstraint } from './text/grammar-constraint.js';
export { checkJsonSchema } from './text/json-schema.js';
