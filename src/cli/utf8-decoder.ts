import { UsageError } from '../errors.js';
import { bytesText } from '../models/bytes-text.js';

/**
 * Turns bytes into text, at once or piece by piece, without a byte order mark. Nothing is repaired in silence.
 * @param source what the bytes are, at the beginning of a sentence
 * @returns TextDecoder's `decode`, which throws UsageError for anything but UTF-8, and for more than a text can have
 */
export function utf8Decoder(source: string): (bytes?: Uint8Array, options?: { stream: boolean }) => string {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  return (bytes, options) => {
    try {
      return decoder.decode(bytes, options);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ERR_STRING_TOO_LONG')
        throw new UsageError(`${source} has ${bytesText(bytes!.length)}, which is too long for a text`, {
          cause,
        });
      throw new UsageError(`${source} is not valid UTF-8 text; convert it first, for example with iconv`, {
        cause,
      });
    }
  };
}
