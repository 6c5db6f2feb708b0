import { UsageError } from '../errors.js';
import { bytesText } from '../models/bytes-text.js';

/**
 * Returns a decoder of bytes, at once or piece by piece, that drops a byte order mark. It repairs nothing.
 * @param source the name of the bytes, as the beginning of a sentence
 * @returns TextDecoder's `decode`, which throws UsageError for bytes that are not UTF-8, and for a text that is too long
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
