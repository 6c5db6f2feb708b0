import { gguf } from './gguf.js';
import type { Kind } from './kind.js';

/** What is tried, by the names of `--kinds`. */
export const KINDS: ReadonlyMap<string, Kind> = new Map(Object.entries({ gguf }));
