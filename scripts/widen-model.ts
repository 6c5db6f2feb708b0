/**
 * Writes the embedded target as a larger model with the same function, so that a plain machine can measure what a large
 * model costs and know what its text is worth. Prints the path; a file that is there already is not written again.
 *
 *   npx mtad generate --model $(npx tsx scripts/widen-model.ts --type Q8_0) "Once upon a time"
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { EMBEDDED_PAIR } from '../src/models/resolve.js';
import { cacheFolder } from '../src/user-folders.js';
import { describeFile, positive, runScript, tensorType } from './arguments.js';
import { readGguf } from './gguf-reader.js';
import { type GgufContents, ggufByteCount, ggufHead, parameterCount, writeGguf } from './gguf-writer.js';
import { type WidenedShape, widenedModel } from './widened-model.js';

const DEFAULTS: WidenedShape = { width: 2048, layers: 6, ffn: 5632, type: 'BF16' };

export interface WidenOptions extends Partial<WidenedShape> {
  readonly out?: string | undefined; // file; undefined = one in the user's cache folder, named after its shape
  readonly log?: (line: string) => void; // receives one line about the file
}

/** Returns the path of the model, which is whole. */
export async function widenModel({ out, log, ...options }: WidenOptions = {}): Promise<string> {
  const shape = { ...DEFAULTS, ...options };
  const source = EMBEDDED_PAIR.model;
  const { metadata, tensors } = widenedModel(await readGguf(source), shape);
  const sha256 = createHash('sha256')
    .update(await readFile(source))
    .digest('hex');
  const contents = { metadata: { ...metadata, 'mtad.source.sha256': { string: sha256 } }, tensors };

  const path = out ?? join(cacheFolder(process.env), fileName(shape));
  if (!(await isWritten(path, contents))) {
    if (out === undefined) await mkdir(dirname(path), { recursive: true });
    const part = `${path}.${randomUUID()}.part`;
    await writeGguf(part, contents);
    await rename(part, path);
  }
  log?.(describeFile(path, parameterCount(tensors), ggufByteCount(contents)));
  return path;
}

function fileName({ width, layers, ffn, type }: WidenedShape): string {
  const hidden = ffn === DEFAULTS.ffn ? '' : `-ffn${ffn}`;
  return `stories-target-${width}x${layers}${hidden}-${type.toLowerCase()}.gguf`;
}

/** Whether the file has the right length and begins with what would be written: sizes, metadata, the source's hash. */
async function isWritten(path: string, contents: GgufContents): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  if (facts?.size !== ggufByteCount(contents)) return false;
  const head = ggufHead(contents);
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(head.length), 0, head.length, 0);
    return buffer.equals(head);
  } finally {
    await file.close();
  }
}

/** @returns the path of the model that the words ask for */
export async function widenAsAsked(args: string[]): Promise<string> {
  const { values } = parseArgs({
    args,
    options: {
      out: { type: 'string' },
      width: { type: 'string' },
      layers: { type: 'string' },
      ffn: { type: 'string' },
      type: { type: 'string' },
    },
  });
  const { out, type = DEFAULTS.type, ...numbers } = values;
  const sizes = Object.fromEntries(
    Object.entries(numbers).map(([name, text]) => [name, positive(name, text)]),
  );
  const log = (line: string) => process.stderr.write(line);
  return widenModel({ ...sizes, type: tensorType(type), out, log });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await runScript(async () => {
    process.stdout.write(`${await widenAsAsked(process.argv.slice(2))}\n`);
  });
