import type { Pass } from './passes.js';

/**
 * Checks a pass for faults that a library would silently misunderstand.
 * @param held the number of tokens that each sequence holds before the pass
 * @param capacity the most tokens of one sequence
 * @throws RangeError for an unknown sequence, a copy of more tokens than are held, and a position that is not the next one
 *   or outside the context
 */
export function checkPass({ keeps, batch }: Pass, held: readonly number[], capacity: number): void {
  const lengths = [...held];
  const lengthOf = (sequence: number) => {
    const length = lengths[sequence];
    if (length === undefined)
      throw new RangeError(`There is no sequence ${sequence} among ${lengths.length}`);
    return length;
  };
  for (const { sequence, from, length, alike } of keeps) {
    if (!Number.isInteger(length) || length < 0)
      throw new RangeError(`${length} is no length of a sequence of tokens`);
    if (length > lengthOf(from))
      throw new RangeError(`Sequence ${from} holds ${lengthOf(from)} tokens, not ${length}`);
    if (!(alike >= 0 && alike <= Math.min(length, lengthOf(sequence))))
      throw new RangeError(`Sequence ${sequence} cannot keep ${alike} tokens`);
    lengths[sequence] = length;
  }
  for (const { position, sequences } of batch) {
    if (sequences.length === 0 || new Set(sequences).size < sequences.length)
      throw new RangeError(
        `A token belongs to one sequence or to several different ones, not to [${sequences}]`,
      );
    for (const sequence of sequences) {
      if (position !== lengthOf(sequence))
        throw new RangeError(
          `Sequence ${sequence} holds ${lengthOf(sequence)} tokens, so position ${position} cannot be next`,
        );
      if (position >= capacity)
        throw new RangeError(`Position ${position} is outside a context of ${capacity} tokens`);
      lengths[sequence] = position + 1;
    }
  }
}
