import { CacheManager } from '../../src/decoding/cache-manager.js';
import { ModelCache } from '../../src/decoding/model-cache.js';
import { fakeClock } from './fake-clock.js';
import { FakeContext } from './fake-context.js';
import { DRAFT, type FakeModel, TARGET } from './fake-model.js';

export interface FakePairOptions {
  readonly targetModel?: FakeModel;
  readonly draftModel?: FakeModel;
  readonly capacity?: number;
  readonly targetSequences?: number;
  readonly draftSequences?: number;
  readonly now?: () => number;
}

export interface FakePair {
  readonly cache: CacheManager;
  readonly target: FakeContext;
  readonly draft: FakeContext;
}

/** Both caches over fake models, and the contexts below them to look into. */
export function fakePair({
  targetModel = TARGET,
  draftModel = DRAFT,
  capacity = 64,
  targetSequences = 1,
  draftSequences = 1,
  now = fakeClock(),
}: FakePairOptions = {}): FakePair {
  const target = new FakeContext(targetModel, { capacity, sequences: targetSequences, now });
  const draft = new FakeContext(draftModel, { capacity, sequences: draftSequences, now });
  const cache = new CacheManager(new ModelCache(target), new ModelCache(draft));
  return { cache, target, draft };
}
