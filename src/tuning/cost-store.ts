import { z } from 'zod';
import type { CostCurves } from './cost-curves.js';
import { type Key, KeyedFolder, keySchema } from './keyed-folder.js';
import { KeyedMemory } from './keyed-memory.js';

/** Everything that the cost of a pass depends on: files, machine, engine, threads, length of the text. */
export type CostKey = Key;

/** Keeps measured costs for the next text. */
export interface CostStore {
  /**
   * Whether the costs stay the same, so that a seed gives the same text. Then no text begins with what another one has learned
   * of the draft either. Undefined = no.
   */
  readonly areFixed?: boolean | undefined;
  find(key: CostKey): Promise<CostCurves | undefined>;
  keep(key: CostKey, curves: CostCurves): Promise<void>;
  /** Replaces the kept costs by those that a text has shown. */
  correct(key: CostKey, curves: CostCurves): Promise<void>;
}

const curveSchema = z
  .array(z.object({ rows: z.int().min(1), ms: z.number().min(0), insideMs: z.number().min(0).optional() }))
  .nonempty()
  .refine((curve) => curve.every(({ rows }, i) => rows > (curve[i - 1]?.rows ?? 0)) && curve[0]!.rows === 1);

const curvesSchema = z.object({ target: curveSchema, draft: curveSchema.optional() });

/** A measurement in a file. */
export const costsSchema = curvesSchema.extend({ key: keySchema });

/** Keeps costs as long as this object lives. */
export class CostMemory extends KeyedMemory<CostCurves> implements CostStore {
  async correct(key: CostKey, curves: CostCurves): Promise<void> {
    await this.keep(key, curves);
  }
}

/**
 * Keeps costs in the files of a folder, one for each key. It is a cache: costs that cannot be read are measured again, and
 * costs that cannot be written are not kept.
 */
export class CostFolder extends KeyedFolder<CostCurves> implements CostStore {
  constructor(folder: string) {
    super(folder, curvesSchema as unknown as z.ZodType<CostCurves>);
  }

  async correct(key: CostKey, curves: CostCurves): Promise<void> {
    await this.keep(key, curves);
  }
}
