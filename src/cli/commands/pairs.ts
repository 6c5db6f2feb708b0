import snakecaseKeys from 'snakecase-keys';
import { knownPairs } from '../../models/known-pairs.js';
import { EXIT } from '../failures.js';
import { colorsFor } from '../render/colors.js';
import { jsonLine } from '../render/json.js';
import { downloaded, pairsTable } from '../render/pairs-table.js';
import { Sink } from '../render/sink.js';

/** What Commander makes of the options. Undefined = not given. */
export interface PairsFlags {
  modelsDir?: string;
  ctxSize: number;
  json?: boolean;
  color: 'auto' | 'always' | 'never';
}

/** `mtad pairs`: the pairs that have a name. @returns the exit code */
export async function runPairs({ modelsDir, ctxSize, json, color }: PairsFlags): Promise<number> {
  const { overviewOf } = await import('../../models/pair-overview.js');
  const rows = await overviewOf(await knownPairs(), { modelsDir, contextSize: ctxSize });
  const colors = colorsFor(color, process.stdout.isTTY);
  const pairs = rows.map(({ pair, ...row }) => ({
    ...pair,
    ...row,
    fits: row.fits ?? null,
    downloaded: downloaded({ pair, ...row }),
    targetFile: row.targetFile ?? null,
    draftFile: row.draftFile ?? null,
  }));
  const text = json
    ? jsonLine(snakecaseKeys({ schema: 1, contextSize: ctxSize, pairs }, { deep: true }))
    : pairsTable(rows, { contextSize: ctxSize, colors, width: process.stdout.columns });
  const sink = new Sink(undefined, () => {});
  await sink.write(text);
  sink.check();
  return EXIT.ok;
}
