import { Chalk, type ChalkInstance } from 'chalk';

export type ColorChoice = 'auto' | 'always' | 'never';

type Environment = Readonly<Record<string, string | undefined>>;

/** Colours for one stream: --color first, then NO_COLOR and FORCE_COLOR, then whether it is a terminal. */
export function colorsFor(when: ColorChoice, isTerminal: boolean, env: Environment): ChalkInstance {
  return new Chalk({ level: when === 'always' || (when === 'auto' && wantsColor(isTerminal, env)) ? 1 : 0 });
}

function wantsColor(isTerminal: boolean, { NO_COLOR, FORCE_COLOR, TERM }: Environment): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return isTerminal && TERM !== 'dumb';
}
