import { ApiError } from './api-error.js';

/** The most bytes of a request. A prompt of a million tokens fits. */
const MOST_BYTES = 8 * 2 ** 20;

/**
 * Reads the body of a request, which is JSON. Bytes are counted as they come, since a body in chunks has no Content-Length.
 * @throws ApiError 413 for a body that is too long, whose rest is not read; 400 for a body that is not JSON
 */
export async function bodyOf({ headers, body }: Request): Promise<unknown> {
  if (Number(headers.get('content-length')) > MOST_BYTES) throw tooLong();
  const pieces: Uint8Array[] = [];
  const reader = body?.getReader(); // cancelling it would close the connection before the answer
  let length = 0;
  for (;;) {
    const { value } = (await reader?.read()) ?? {};
    if (!value) break;
    length += value.length;
    if (length > MOST_BYTES) throw tooLong();
    pieces.push(value);
  }
  try {
    return JSON.parse(new TextDecoder().decode(Buffer.concat(pieces)));
  } catch (cause) {
    throw new ApiError(400, `The body is not JSON: ${(cause as Error).message}`);
  }
}

function tooLong(): ApiError {
  return new ApiError(413, `The body is longer than ${MOST_BYTES} bytes`, { code: 'request_too_large' });
}
