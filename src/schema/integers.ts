/** The most digits of a whole number that has no limit. */
const DIGITS = 16;

/**
 * Returns the rule of whole numbers from `min` to `max`, in GBNF; an infinite limit is none.
 * @returns undefined where no number lies between
 */
export function integerRule(min: number, max: number): string | undefined {
  const alternatives = [
    ...(min < 0 ? positive(Math.max(1, -max), -min).map((part) => `"-" ${part}`) : []),
    ...(max >= 0 ? positive(Math.max(0, min), max) : []),
  ];
  return alternatives.length === 0 ? undefined : alternatives.join(' | ');
}

/** The alternatives for numbers from `min` to `max`, both 0 or more. */
function positive(min: number, max: number): string[] {
  if (min > max) return [];
  if (min === 0) return ['"0"', ...positive(1, max)];
  const shortest = String(min).length;
  const longest = Number.isFinite(max) ? String(max).length : DIGITS;
  return Array.from({ length: longest - shortest + 1 }, (_, i) => {
    const digits = shortest + i;
    const low = i === 0 ? String(min) : `1${'0'.repeat(digits - 1)}`;
    const high = Number.isFinite(max) && digits === longest ? String(max) : '9'.repeat(digits);
    return between(low, high);
  });
}

/** The alternatives of all numbers between two of the same length, as one expression. */
function between(low: string, high: string): string {
  if (low === '') return '""';
  if (/^0*$/.test(low) && /^9*$/.test(high)) return anyDigits(low.length);
  const [first, last] = [low[0]!, high[0]!];
  const [lowRest, highRest] = [low.slice(1), high.slice(1)];
  if (first === last) return sequence(`"${first}"`, between(lowRest, highRest));
  const isWholeBelow = /^0*$/.test(lowRest);
  const isWholeAbove = /^9*$/.test(highRest);
  const from = Number(first) + (isWholeBelow ? 0 : 1);
  const to = Number(last) - (isWholeAbove ? 0 : 1);
  const parts = [
    ...(isWholeBelow ? [] : [sequence(`"${first}"`, between(lowRest, '9'.repeat(lowRest.length)))]),
    ...(from <= to ? [sequence(`[${from}-${to}]`, anyDigits(lowRest.length))] : []),
    ...(isWholeAbove ? [] : [sequence(`"${last}"`, between('0'.repeat(highRest.length), highRest))]),
  ];
  return parts.length === 1 ? parts[0]! : `(${parts.join(' | ')})`;
}

function anyDigits(count: number): string {
  return count === 0 ? '""' : `[0-9]{${count}}`;
}

function sequence(head: string, rest: string): string {
  return rest === '""' ? head : `${head} ${rest}`;
}
