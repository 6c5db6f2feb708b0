/** What every context refuses, since its library would take it for something else. */

/** @throws RangeError for what is no position in a text */
export function checkPosition(position: number): void {
  if (!Number.isInteger(position) || position < 0)
    throw new RangeError(`${position} is no position in a sequence of tokens`);
}

/**
 * @param held tokens that the sequence holds
 * @throws RangeError for a position that is not the next one, or outside the context
 */
export function checkNext(sequence: number, held: number, position: number, capacity: number): void {
  if (position !== held)
    throw new RangeError(`Sequence ${sequence} holds ${held} tokens, so position ${position} cannot be next`);
  if (position >= capacity)
    throw new RangeError(`Position ${position} is outside a context of ${capacity} tokens`);
}

/**
 * @param held tokens that `from` holds
 * @throws RangeError for what it does not begin with, and for a sequence that would be its own copy
 */
export function checkCopy(from: number, held: number, to: readonly number[], length: number): void {
  checkPosition(length);
  if (!(length <= held)) throw new RangeError(`Sequence ${from} holds ${held} tokens, not ${length}`);
  if (to.includes(from)) throw new RangeError(`Sequence ${from} cannot be copied to itself`);
}
