const TAGS = ['x-linked-etag', 'etag', 'last-modified'];
const LENGTHS = ['x-linked-size', 'content-range', 'content-length'];

/** Which state of a file an answer is about, in its server's words; undefined where it does not tell states apart. */
export function versionOf(headers: Headers): string | undefined {
  const tag = tagOf(headers);
  return tag && `${tag}|${lengthOf(headers)}`;
}

/** The best of what a server says to tell states of a file apart; at a hub the checksum. */
export function tagOf(headers: Headers): string | undefined {
  return firstOf(headers, TAGS)?.replace(/^W\/|"/g, '');
}

/** Of the whole file in bytes, also where the answer has a part of it; NaN where the server does not tell. */
export function lengthOf(headers: Headers): number {
  return Number(firstOf(headers, LENGTHS)?.split('/').at(-1) ?? Number.NaN);
}

function firstOf(headers: Headers, names: readonly string[]): string | undefined {
  return names.map((name) => headers.get(name)).find((value) => value !== null) ?? undefined;
}
