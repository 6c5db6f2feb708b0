import { type Key, KeyedFolder } from './keyed-folder.js';
import { KeyedMemory } from './keyed-memory.js';
import { type Learned, learnedSchema } from './learned.js';

/** Everything that the acceptance of guesses depends on: files, strategy, beams, threshold, sampling. */
export type LearnedKey = Key;

/** Keeps what texts have learned of a draft, for the next text. */
export interface LearnedStore {
  find(key: LearnedKey): Promise<Learned | undefined>;
  keep(key: LearnedKey, learned: Learned): Promise<void>;
}

/** Keeps it as long as this object lives. */
export class LearnedMemory extends KeyedMemory<Learned> implements LearnedStore {}

/**
 * Keeps it in the files of a folder, one for each key, as `CostFolder` keeps costs. What cannot be read is learned again. Of two
 * processes that write at the same time the last one wins.
 */
export class LearnedFolder extends KeyedFolder<Learned> implements LearnedStore {
  constructor(folder: string) {
    super(folder, learnedSchema);
  }
}
