import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CostCurves } from './cost-curves.js';

/** Everything that the cost of a pass depends on: files, machine, engine, threads, length of the text. */
export type CostKey = Readonly<Record<string, string | number | boolean | null>>;

/** Keeps measured costs for the next text. */
export interface CostStore {
  find(key: CostKey): Promise<CostCurves | undefined>;
  keep(key: CostKey, curves: CostCurves): Promise<void>;
  /** Replaces the kept costs by those that a text has shown. */
  correct(key: CostKey, curves: CostCurves): Promise<void>;
}

const curveSchema = z
  .array(z.object({ rows: z.int().min(1), ms: z.number().min(0), insideMs: z.number().min(0).optional() }))
  .nonempty()
  .refine((curve) => curve.every(({ rows }, i) => rows > (curve[i - 1]?.rows ?? 0)) && curve[0]!.rows === 1);

/** A measurement in a file. */
export const costsSchema = z.object({
  key: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  target: curveSchema,
  draft: curveSchema.optional(),
});

/** Keeps costs as long as this object lives. */
export class CostMemory implements CostStore {
  readonly #curves = new Map<string, CostCurves>();

  async find(key: CostKey): Promise<CostCurves | undefined> {
    return this.#curves.get(JSON.stringify(key));
  }

  async keep(key: CostKey, curves: CostCurves): Promise<void> {
    this.#curves.set(JSON.stringify(key), curves);
  }

  async correct(key: CostKey, curves: CostCurves): Promise<void> {
    await this.keep(key, curves);
  }
}

/**
 * Keeps costs in the files of a folder, one for each key. It is a cache: costs that cannot be read are measured again, and
 * costs that cannot be written are not kept.
 */
export class CostFolder implements CostStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async find(key: CostKey): Promise<CostCurves | undefined> {
    return readCosts(this.#file(key)).catch(() => undefined);
  }

  async keep(key: CostKey, curves: CostCurves): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
      .then(() => writeCosts(this.#file(key), key, curves))
      .catch(() => undefined);
  }

  async correct(key: CostKey, curves: CostCurves): Promise<void> {
    await this.keep(key, curves);
  }

  #file(key: CostKey): string {
    const name = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 16);
    return join(this.#folder, `${name}.json`);
  }
}

async function readCosts(file: string): Promise<CostCurves> {
  const { target, draft } = costsSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  return { target, draft };
}

/** Replaces the file in one step, since other processes may read and write it. */
async function writeCosts(file: string, key: CostKey, curves: CostCurves): Promise<void> {
  const half = `${file}.${randomUUID()}`;
  try {
    await writeFile(half, `${JSON.stringify({ key, ...curves }, null, 2)}\n`);
    await rename(half, file);
  } catch (cause) {
    await rm(half, { force: true });
    throw cause;
  }
}
