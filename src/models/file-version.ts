const TAGS = ['x-linked-etag', 'etag', 'last-modified'];
const LENGTHS = ['x-linked-size', 'content-range', 'content-length'];

/** The marks by which two states of a file are told apart. */
export interface FileVersion {
  /** The best mark that the server gives: a hub's checksum, else ETag, else Last-Modified. */
  readonly tag: string | undefined;
  readonly bytes: number | undefined;
}

/** @returns the state of the file that an answer is about, as far as its headers tell */
export function versionOf(headers: Headers): FileVersion {
  const tag = firstOf(headers, TAGS)?.replace(/^W\/|"/g, '');
  const bytes = Number(firstOf(headers, LENGTHS)?.split('/').at(-1)); // of the whole, where the answer has a part
  return { tag, bytes: bytes > 0 ? bytes : undefined };
}

/**
 * @returns the value for the header If-Range, with which a server gives the rest of this state only: a strong ETag, else
 * Last-Modified. A weak ETag may belong to several states.
 */
export function validatorOf(headers: Headers): string | undefined {
  const tag = headers.get('etag');
  return (tag?.startsWith('"') ? tag : headers.get('last-modified')) ?? undefined;
}

/** @returns whether two answers are about different states, as far as both tell */
export function differ(one: FileVersion, other: FileVersion): boolean {
  return (['tag', 'bytes'] as const).some(
    (what) => one[what] !== undefined && other[what] !== undefined && one[what] !== other[what],
  );
}

function firstOf(headers: Headers, names: readonly string[]): string | undefined {
  return names.map((name) => headers.get(name)).find((value) => value !== null) ?? undefined;
}
