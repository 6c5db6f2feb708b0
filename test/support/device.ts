import type { Gpu } from '../../src/engine/port.js';

/** What the engines' tests run on. On a machine that has one: MTAD_TEST_GPU=cuda npx vitest run test/engine */
export const DEVICE = (process.env.MTAD_TEST_GPU ?? 'off') as Gpu;
