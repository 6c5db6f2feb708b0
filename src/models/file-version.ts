const TAGS = ['x-linked-etag', 'etag', 'last-modified'];
const LENGTHS = ['x-linked-size', 'content-range', 'content-length'];

/** What tells one state of a file from another. */
export interface FileVersion {
  /** The best that its server says of it; at a hub the checksum. */
  readonly tag: string | undefined;
  readonly bytes: number | undefined;
}

/** The state that an answer is about, as far as it tells. */
export function versionOf(headers: Headers): FileVersion {
  const tag = firstOf(headers, TAGS)?.replace(/^W\/|"/g, '');
  const bytes = Number(firstOf(headers, LENGTHS)?.split('/').at(-1)); // of the whole, where the answer has a part
  return { tag, bytes: bytes > 0 ? bytes : undefined };
}

/**
 * What If-Range may hold of it, so that a server gives the rest of this state alone: a strong tag, else a date.
 * A weak tag may belong to several states.
 */
export function validatorOf(headers: Headers): string | undefined {
  const tag = headers.get('etag');
  return (tag?.startsWith('"') ? tag : headers.get('last-modified')) ?? undefined;
}

/** Whether two answers are about different states, as far as both tell. */
export function differ(one: FileVersion, other: FileVersion): boolean {
  return (['tag', 'bytes'] as const).some(
    (what) => one[what] !== undefined && other[what] !== undefined && one[what] !== other[what],
  );
}

function firstOf(headers: Headers, names: readonly string[]): string | undefined {
  return names.map((name) => headers.get(name)).find((value) => value !== null) ?? undefined;
}
