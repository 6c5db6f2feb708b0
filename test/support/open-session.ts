import type { ChatTemplate } from '../../src/engine/port.js';
import { parseSettings } from '../../src/generation/parse-settings.js';
import type { RunOptions } from '../../src/generation/run-options.js';
import { Session } from '../../src/generation/session.js';
import { cacheShape, partsOf } from '../../src/generation/session-parts.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { SharedCaches } from '../../src/generation/shared-caches.js';
import type { Pair } from '../../src/models/pair.js';

/** A session over caches of its own, for tests that write prompts of tokens; `dispose` frees the caches. */
export async function openSession(
  pair: Pair,
  input: SettingsInput,
  run: RunOptions = {},
  template?: ChatTemplate,
) {
  const parts = await partsOf(pair, parseSettings(input), run, template);
  const caches = new SharedCaches(pair, run, 0);
  const shape = cacheShape(parts.settings, parts.contextSize, parts.contextSize);
  const session = new Session(await caches.withRoomFor(shape), parts);
  return { session, dispose: () => caches.dispose() };
}
