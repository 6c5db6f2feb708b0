import { Chalk, type ChalkInstance } from 'chalk';

/** Colours for one stream: --color first, then NO_COLOR and FORCE_COLOR, then whether it is a terminal. */
export function colorsFor(when: 'auto' | 'always' | 'never', isTerminal: boolean): ChalkInstance {
  return new Chalk({ level: when === 'always' || (when === 'auto' && wantsColor(isTerminal)) ? 1 : 0 });
}

function wantsColor(isTerminal: boolean): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return isTerminal && TERM !== 'dumb';
}
