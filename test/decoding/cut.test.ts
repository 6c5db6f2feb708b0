import { describe, expect, it } from 'vitest';
import { cut, type EndCheck } from '../../src/decoding/cut.js';

/** Ends the text at the numbers given, and keeps what it was asked about. */
function endsAt(ends: Record<number, 'eos' | 'stop'>): EndCheck & { asked: number[] } {
  const asked: number[] = [];
  const check: EndCheck = (token) => {
    asked.push(token);
    return ends[token];
  };
  return Object.assign(check, { asked });
}

describe('cut', () => {
  it('leaves a text whole that does not end', () => {
    expect(cut([1, 2, 3], endsAt({}))).toEqual({ tokens: [1, 2, 3], finish: undefined });
  });

  it('keeps the token that ends the text and drops all after it', () => {
    expect(cut([1, 2, 3, 4], endsAt({ 2: 'eos' }))).toEqual({ tokens: [1, 2], finish: 'eos' });
    expect(cut([1, 2, 3, 4], endsAt({ 3: 'stop' }))).toEqual({ tokens: [1, 2, 3], finish: 'stop' });
  });

  it('goes by the first end of several', () => {
    expect(cut([1, 2, 3], endsAt({ 2: 'stop', 3: 'eos' })).finish).toBe('stop');
    expect(cut([3, 2, 1], endsAt({ 2: 'stop', 3: 'eos' })).finish).toBe('eos');
  });

  it('tells an end at the last token from no end', () => {
    expect(cut([1, 2], endsAt({ 2: 'eos' }))).toEqual({ tokens: [1, 2], finish: 'eos' });
  });

  it('asks about each token once, in order, and about none after the end', () => {
    const check = endsAt({ 2: 'stop' });
    cut([1, 1, 2, 3], check);
    expect(check.asked).toEqual([1, 1, 2]);
  });
});
