import { loadPair, type Pair } from '../../src/models/pair.js';

let loaded: Promise<Pair> | undefined;

/** The embedded pair, loaded once for all test files of a process. Nobody disposes of it. */
export function embeddedPair(): Promise<Pair> {
  loaded ??= loadPair({ gpu: 'off' });
  return loaded;
}
