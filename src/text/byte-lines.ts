/** A line of a file, in bytes. */
export interface ByteLine {
  /** From 1. */
  readonly number: number;
  /** Of its first byte in the file. */
  readonly offset: number;
  /** Of the line and its line break. */
  readonly length: number;
  /** Without a byte order mark and its line break; undefined = it is longer than what was asked for. */
  readonly bytes: Buffer | undefined;
  /** Whether a line break ends it. */
  readonly ended: boolean;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = Buffer.from('\uFEFF');

/**
 * Yields the lines of a file. Memory holds at most one line and one piece of the file.
 * @param longest bytes of a line that is kept; of a longer one only its length is told
 */
export async function* byteLines(
  stream: AsyncIterable<Uint8Array>,
  longest: number,
): AsyncGenerator<ByteLine> {
  let number = 1;
  let offset = 0;
  let length = 0;
  let parts: Buffer[] | undefined = [];
  const add = (part: Buffer) => {
    length += part.length;
    if (length > longest) parts = undefined;
    parts?.push(part);
  };
  const take = (ended: boolean): ByteLine => {
    const bytes = parts && content(Buffer.concat(parts), number === 1);
    const line = { number, offset, length, bytes, ended };
    number += 1;
    offset += length;
    length = 0;
    parts = [];
    return line;
  };
  for await (const chunk of stream) {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    for (let end = rest.indexOf(LINE_FEED); end !== -1; end = rest.indexOf(LINE_FEED)) {
      add(rest.subarray(0, end + 1));
      yield take(true);
      rest = rest.subarray(end + 1);
    }
    add(rest);
  }
  if (length > 0) yield take(false);
}

function content(line: Buffer, isFirst: boolean): Buffer {
  const start = isFirst && line.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  let end = line.length;
  if (line[end - 1] === LINE_FEED) end -= 1;
  if (line[end - 1] === CARRIAGE_RETURN) end -= 1;
  return line.subarray(start, Math.max(start, end));
}
