import type { Rng } from '../../src/types.js';

/** Coins that fall as told. Asking for more is an error. */
export function fakeCoins(...coins: number[]): Rng {
  return () => {
    const coin = coins.shift();
    if (coin === undefined) throw new Error('One coin too many was tossed');
    return coin;
  };
}

/**
 * Runs `act` for every way its coins can fall, each coin in the middle of one of `parts` equal parts of [0, 1).
 * Where all that a coin is compared with lies between those parts, the weights are exact probabilities.
 */
export function everyWay<T>(parts: number, act: (rng: Rng) => T): { outcome: T; weight: number }[] {
  const ways: { outcome: T; weight: number }[] = [];
  const path: number[] = [];
  do {
    let used = 0;
    const outcome = act(() => {
      if (used === path.length) path.push(0);
      return (path[used++]! + 0.5) / parts;
    });
    ways.push({ outcome, weight: parts ** -used });
    while (path.at(-1) === parts - 1) path.pop();
    if (path.length > 0) path[path.length - 1]!++;
  } while (path.length > 0);
  return ways;
}
