import type { ChatTemplate } from '../engine/port.js';
import type { Coins } from '../math/coins.js';
import type { Pair } from '../models/pair.js';
import { parseSettings } from './parse-settings.js';
import type { RunOptions } from './run-options.js';
import { Session } from './session.js';
import { cacheShape, type Parts, partsOf } from './session-parts.js';
import type { Settings, SettingsInput } from './settings.js';
import { settingsOver } from './settings-over.js';
import { SharedCaches } from './shared-caches.js';

/** A session whose settings change between texts, with caches of its own that stay. */
export class ChangingSession {
  readonly #caches: SharedCaches;
  readonly #partsWith: (asked: Settings) => Promise<Parts>;
  /** As they were given: the session decides what they leave open. */
  #asked: Settings;
  #session: Session;

  private constructor(
    caches: SharedCaches,
    partsWith: (asked: Settings) => Promise<Parts>,
    asked: Settings,
    session: Session,
  ) {
    this.#caches = caches;
    this.#partsWith = partsWith;
    this.#asked = asked;
    this.#session = session;
  }

  /** @throws UsageError, ResourceError */
  static async open(
    pair: Pair,
    asked: Settings,
    run: RunOptions,
    template: ChatTemplate,
  ): Promise<ChangingSession> {
    const caches = new SharedCaches(pair, run, 0);
    const partsWith = (settings: Settings) => partsOf(pair, settings, run, template);
    const session = await sessionOver(caches, await partsWith(asked));
    return new ChangingSession(caches, partsWith, asked, session);
  }

  /** The session under the settings as they are. */
  get current(): Session {
    return this.#session;
  }

  /**
   * Changes settings; those that are not given stay as they are. Chance goes on, unless a seed is given. No text may be being
   * written.
   * @throws UsageError where a setting is wrong; ResourceError. The settings then stay as they were
   */
  async change(input: SettingsInput): Promise<void> {
    const { settings: before, coins } = this.#session;
    const asked = { ...this.#asked, seed: before.seed };
    const settings = parseSettings(settingsOver(asked, input));
    const parts = await this.#partsWith(settings);
    const next = input.seed === undefined ? coins : undefined;
    this.#session = await sessionOver(this.#caches, parts, next).catch(async (error) => {
      this.#session = await sessionOver(this.#caches, await this.#partsWith(asked), coins); // the caches are gone
      throw error;
    });
    this.#asked = settings;
  }

  dispose(): Promise<void> {
    return this.#caches.dispose();
  }
}

/** @param coins of the session before */
async function sessionOver(caches: SharedCaches, parts: Parts, coins?: Coins): Promise<Session> {
  const { settings, contextSize } = parts;
  return new Session(await caches.withRoomFor(cacheShape(settings, contextSize, contextSize)), parts, coins);
}
