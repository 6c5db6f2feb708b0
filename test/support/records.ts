/** Readers of what the command writes for machines, simple and strict. */

export function parseJsonLines(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** A line of names, then as many values per line; a value may stand in quotes. */
export function parseCsv(text: string): Record<string, string>[] {
  const [names = [], ...rows] = text
    .trimEnd()
    .split('\n')
    .map((line) => [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,"]*))/g)].map(([, a, b]) => a ?? b!));
  return rows.map((row) => {
    if (row.length !== names.length)
      throw new Error(`${row.length} values for ${names.length} names: ${row}`);
    return Object.fromEntries(row.map((value, i) => [names[i], value]));
  });
}

/** The first table in a Markdown text. */
export function parseMarkdownTable(text: string): Record<string, string>[] {
  const [names = [], , ...rows] = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return rows.map((row) => Object.fromEntries(row.map((value, i) => [names[i], value])));
}

/** The columns of a table without lines: at least two spaces stand between them. */
export function parsePlainTable(text: string): Record<string, string>[] {
  const lines = text.slice(0, text.indexOf('\n\n')).split('\n');
  const [names = [], ...rows] = lines.map((line) => line.trim().split(/ {2,}/));
  return rows.map((row) => Object.fromEntries(row.map((value, i) => [names[i], value])));
}

/** Every key of an object and of what is in it. */
export function keysOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(keysOf);
  return Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)]);
}
