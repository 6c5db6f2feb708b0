import type { ChalkInstance } from 'chalk';
import { bytesText } from '../../models/bytes-text.js';
import type { PairOverview } from '../../models/pair-overview.js';
import type { ListedModel } from '../../models/stored-models.js';
import { harmless } from '../harmless.js';
import { fits, folded, plainTable } from './plain-table.js';

interface PairColumn {
  readonly head: string;
  readonly align: 'left' | 'right';
  readonly cell: (row: PairOverview) => string;
}

const COLUMNS: readonly PairColumn[] = [
  { head: 'pair', align: 'left', cell: ({ pair }) => pair.name },
  { head: 'target', align: 'left', cell: ({ pair }) => modelName(pair.target.address) },
  { head: 'draft', align: 'left', cell: ({ pair }) => modelName(pair.draft.address) },
  { head: 'download', align: 'right', cell: ({ downloadBytes }) => bytesText(downloadBytes) },
  { head: 'memory', align: 'right', cell: ({ memoryBytes }) => bytesText(memoryBytes) },
  {
    head: 'fits',
    align: 'left',
    cell: (row) => (row.fits === undefined ? 'unknown' : row.fits ? 'yes' : 'no'),
  },
  { head: 'downloaded', align: 'left', cell: downloaded },
  { head: 'licence', align: 'left', cell: licence },
];

/** Columns that a narrow terminal leaves out, the first one first. */
const EXPENDABLE = ['draft', 'licence', 'target'];

/**
 * Returns the known pairs and what they need, for a terminal.
 * @param alone models that need no draft model
 * @param width of the terminal, in characters; a table that is wider loses columns. Undefined: no limit
 */
export function pairsTable(
  rows: readonly PairOverview[],
  alone: readonly Pick<ListedModel, 'name' | 'bytes'>[],
  { contextSize, colors, width }: { contextSize: number; colors: ChalkInstance; width: number | undefined },
): string {
  const tables = [0, 1, 2, 3].map((gone) => {
    const columns = COLUMNS.filter(({ head }) => !EXPENDABLE.slice(0, gone).includes(head));
    const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
    return plainTable(columns, cells, colors);
  });
  const table = tables.find((one) => fits(one, width)) ?? tables.at(-1)!;
  const names = alone.map(({ name, bytes }) => `${harmless(name)} (${bytesText(bytes)})`);
  const notes = [
    `These need no draft model, since they draft with a head of their own: ${names.join(', ')}`,
    `memory: weights and KV caches of both models at ${contextSize} tokens of context (-c), or what the target was trained on, about; mtad inspect tells more`,
    ...(table === tables[0] ? [] : ['A wider terminal and --json show more columns']),
  ];
  return `${table}\n\n${notes.map((note) => colors.dim(folded(note, width))).join('\n')}\n`;
}

/** Repository and quantisation, without the parts that all names share. */
function modelName(address: string): string {
  return address.replace(/^hf:[^/]*\//, '').replace(/-GGUF:/, ' ');
}

export function downloaded({ targetFile, draftFile }: PairOverview): string {
  if (targetFile && draftFile) return 'yes';
  if (targetFile) return 'target only';
  return draftFile ? 'draft only' : 'no';
}

function licence({ pair: { target, draft } }: PairOverview): string {
  return target.license === draft.license ? target.license : `${target.license}, ${draft.license}`;
}
