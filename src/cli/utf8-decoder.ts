import { UsageError } from '../errors.js';

/**
 * Turns bytes into text, at once or piece by piece, without a byte order mark. Nothing is repaired in silence.
 * @param source what the bytes are, at the beginning of a sentence
 * @returns TextDecoder's `decode`, which throws UsageError for anything but UTF-8
 */
export function utf8Decoder(source: string): (bytes?: Uint8Array, options?: { stream: boolean }) => string {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  return (bytes, options) => {
    try {
      return decoder.decode(bytes, options);
    } catch (cause) {
      throw new UsageError(`${source} is not valid UTF-8 text; convert it first, for example with iconv`, {
        cause,
      });
    }
  };
}
