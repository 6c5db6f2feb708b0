import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import { StopStrings } from '../../src/text/stop-strings.js';
import type { Rng } from '../../src/types.js';

/** What is shown of a text that comes in these pieces, up to its stop or its end. */
function shown(stops: readonly string[], pieces: readonly string[]): { text: string; stopped: boolean } {
  const watch = new StopStrings(stops);
  let text = '';
  for (const piece of pieces) {
    const { shown, stopped } = watch.push(piece);
    text += shown;
    if (stopped) return { text, stopped };
  }
  return { text: text + watch.flush(), stopped: false };
}

const randomText = (rng: Rng, length: number) =>
  Array.from({ length }, () => 'ab'[Math.floor(2 * rng())]).join('');

function randomPieces(rng: Rng, text: string): string[] {
  const pieces: string[] = [];
  for (let start = 0, end = 0; start < text.length; start = end) {
    end = start + Math.floor(4 * rng()); // some are empty
    pieces.push(text.slice(start, end));
  }
  return pieces;
}

/** Up to three stop strings, none within another. */
function randomStops(rng: Rng): string[] {
  const all = Array.from({ length: 1 + Math.floor(3 * rng()) }, () =>
    randomText(rng, 2 + Math.floor(4 * rng())),
  );
  return all.filter((stop, i) => !all.some((other, j) => i !== j && other.includes(stop)));
}

describe('StopStrings', () => {
  it('shows the text up to the first stop string, in whatever pieces it comes', () => {
    const rng = createRng(1);
    let stops = 0;
    for (let i = 0; i < 2000; i++) {
      const [text, strings] = [randomText(rng, 12), randomStops(rng)];
      const starts = strings.map((stop) => text.indexOf(stop)).filter((start) => start >= 0);
      const expected =
        starts.length > 0
          ? { text: text.slice(0, Math.min(...starts)), stopped: true }
          : { text, stopped: false };
      expect(shown(strings, randomPieces(rng, text))).toEqual(expected);
      if (expected.stopped) stops++;
    }
    expect(stops).toBeGreaterThan(500);
    expect(stops).toBeLessThan(1900);
  });

  it('holds back only what a stop string begins with', () => {
    const rng = createRng(2);
    for (let i = 0; i < 300; i++) {
      const [strings, pieces] = [randomStops(rng), randomPieces(rng, randomText(rng, 12))];
      const watch = new StopStrings(strings);
      let [pushed, seen] = ['', ''];
      for (const piece of pieces) {
        const { shown, stopped } = watch.push(piece);
        if (stopped) break;
        [pushed, seen] = [pushed + piece, seen + shown];
        const held = pushed.slice(seen.length);
        expect(held === '' || strings.some((stop) => stop.startsWith(held))).toBe(true);
      }
    }
  });

  it('says that it stopped with the piece that completes the string, not sooner', () => {
    const watch = new StopStrings(['END']);
    expect(watch.push('the E')).toEqual({ shown: 'the ', stopped: false });
    expect(watch.push('N')).toEqual({ shown: '', stopped: false });
    expect(watch.push('D and on')).toEqual({ shown: '', stopped: true });
  });

  it('shows what it held back as soon as no stop string can come of it', () => {
    const watch = new StopStrings(['aab']);
    expect(watch.push('aa')).toEqual({ shown: '', stopped: false });
    expect(watch.push('a')).toEqual({ shown: 'a', stopped: false });
    expect(watch.push('c')).toEqual({ shown: 'aac', stopped: false });
    expect(watch.push('aaa')).toEqual({ shown: 'a', stopped: false });
    expect(watch.push('b')).toEqual({ shown: '', stopped: true });
  });

  it('gives out at the end what it held back, once', () => {
    const watch = new StopStrings(['stop']);
    expect(watch.push('non-st').shown).toBe('non-');
    expect(watch.flush()).toBe('st');
    expect(watch.flush()).toBe('');
  });

  it('goes by the string that begins first', () => {
    expect(shown(['cd', 'bc'], ['abcde'])).toEqual({ text: 'a', stopped: true });
    expect(shown(['d', 'a'], ['xxa', 'd'])).toEqual({ text: 'xx', stopped: true });
  });

  it('lets everything through where there is nothing to stop at', () => {
    const watch = new StopStrings([]);
    expect(watch.push('anything')).toEqual({ shown: 'anything', stopped: false });
    expect(watch.flush()).toBe('');
  });
});
