import type { SettingsInput } from '../generation/settings.js';
import { definitionOf, STRATEGY_NAMES, strategyNamed } from '../strategies/index.js';
import { ApiError } from './api-error.js';

/**
 * The names by which clients ask for the loaded pair: its own, for the settings of the server, and those of strategies, with
 * a threshold where they heed one: `speculative`, `mtad:0.3`. So a program that lets its user choose nothing but a model can
 * choose a strategy.
 */
export class ModelNames {
  readonly all: readonly string[];

  /** @param own the target's name */
  constructor(own: string) {
    this.all = [own, ...STRATEGY_NAMES];
  }

  /**
   * Returns the settings that a name stands for.
   * @param name undefined: the pair's own
   * @throws ApiError 404 for a name that is none
   */
  settingsOf(name: string | undefined): SettingsInput {
    if (name === undefined || name === this.all[0]) return {};
    const [strategy = '', threshold, ...more] = name.split(':');
    const known = strategyNamed(strategy);
    if (!known || more.length > 0) throw this.#unknown(name);
    const chosen = { strategy: STRATEGY_NAMES.find((one) => one === strategy)! };
    if (threshold === undefined) return chosen;
    if (!definitionOf(chosen.strategy).heeds.includes('threshold') || !(Number(threshold) > 0))
      throw this.#unknown(name);
    return { ...chosen, threshold: Number(threshold) };
  }

  #unknown(name: string): ApiError {
    return new ApiError(
      404,
      `There is no model ${JSON.stringify(name.slice(0, 100))} here; there are ${this.all.join(', ')}, and with a threshold, mtad:0.3`,
      { param: 'model', code: 'model_not_found' },
    );
  }
}
