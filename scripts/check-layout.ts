/**
 * Compares what the direct engine believes of llama.cpp's C API (src/engine/direct/layout.ts) with the headers of the
 * very release, which node-llama-cpp brings along in a git bundle. Needs git. Exit code 1 names what differs.
 *   npm run check:layout
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { fieldsOf, signatureOf, withoutComments } from '../src/engine/direct/c-declarations.js';
import { FUNCTIONS, HEAD_FUNCTIONS, HEAD_HEADER, RELEASES, STRUCTS } from '../src/engine/direct/layout.js';
import { LLAMA, withBundledFiles } from './llama-bundle.js';

/** What node-llama-cpp brings along: its release of llama.cpp, and the headers by path. */
export interface Headers {
  readonly release: string;
  readonly texts: ReadonlyMap<string, string>;
}

export async function readHeaders(): Promise<Headers> {
  const facts = await readFile(join(LLAMA, 'binariesGithubRelease.json'), 'utf8');
  const { release } = JSON.parse(facts) as { release: string };
  const paths = [...Object.keys(FUNCTIONS), HEAD_HEADER];
  const read = async (folder: string) =>
    Promise.all(paths.map(async (path) => [path, await readFile(join(folder, path), 'utf8')] as const));
  return { release, texts: new Map(await withBundledFiles(paths, read)) };
}

/** Every difference between `layout.ts` and the headers, in words. */
export function layoutDifferences({ release, texts }: Headers): string[] {
  const text = (path: string) => withoutComments(texts.get(path)!);
  const differences = RELEASES.includes(release) ? [] : [`release ${release} is not one of ${RELEASES}`];
  for (const [name, body] of Object.entries(STRUCTS)) {
    const found = new RegExp(`struct ${name} {([^}]*)}`).exec(text('include/llama.h'))?.[1];
    const [ours, theirs] = [fieldsOf(body), fieldsOf(found ?? '')];
    for (let i = 0; i < Math.max(ours.length, theirs.length); i++)
      if (!isDeepStrictEqual(ours[i], theirs[i]))
        differences.push(`${name}, field ${i}: ${show(ours[i])} here, ${show(theirs[i])} in llama.h`);
  }
  const declared = { ...FUNCTIONS, [HEAD_HEADER]: Object.values(HEAD_FUNCTIONS) };
  for (const [path, prototypes] of Object.entries(declared))
    for (const prototype of prototypes) {
      const { name } = signatureOf(prototype);
      const found = new RegExp(`API\\s([^;{}]*?\\b${name}\\s*\\([^;]*?\\)\\s*);`).exec(text(path))?.[1];
      if (!found || !isDeepStrictEqual(signatureOf(prototype), signatureOf(found)))
        differences.push(`${prototype} here, ${found?.replace(/\s+/g, ' ') ?? 'nothing'} in ${path}`);
    }
  return differences;
}

const show = (value: object | undefined) => (value ? Object.values(value).join(' ') : 'nothing');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const differences = layoutDifferences(await readHeaders());
  for (const line of differences) process.stderr.write(`${line}\n`);
  if (differences.length > 0) process.exitCode = 1;
  else process.stdout.write('layout.ts says what the headers say\n');
}
