import type { ChalkInstance } from 'chalk';
import { bytesText } from '../../models/bytes-text.js';
import type { ListedModel } from '../../models/stored-models.js';
import { harmless } from '../harmless.js';
import { fits, folded, plainTable } from './plain-table.js';

interface ModelColumn {
  readonly head: string;
  readonly align: 'left' | 'right';
  readonly cell: (model: ListedModel) => string;
}

const COLUMNS: readonly ModelColumn[] = [
  { head: 'model', align: 'left', cell: ({ name }) => harmless(name) },
  { head: 'size', align: 'right', cell: ({ bytes }) => bytesText(bytes) },
  { head: 'format', align: 'left', cell: ({ quantization = '-' }) => quantization },
  {
    head: 'architecture',
    align: 'left',
    cell: ({ architecture, problem }) => (problem === undefined ? (architecture ?? '-') : 'unreadable'),
  },
  {
    head: 'pairs',
    align: 'left',
    cell: ({ pairs, hasHead }) => [...pairs, ...(hasHead ? ['drafts for itself'] : [])].join(', ') || '-',
  },
  { head: 'last used', align: 'left', cell: ({ usedAt }) => usedAt.toISOString().slice(0, 10) },
];

/** Columns that a narrow terminal leaves out, the first one first. */
const EXPENDABLE = ['architecture', 'last used', 'pairs', 'format'];

/**
 * Returns the models of a folder, for a terminal.
 * @param width of the terminal, in characters; a table that is wider loses columns. Undefined: no limit
 */
export function modelsTable(
  models: readonly ListedModel[],
  folder: string,
  colors: ChalkInstance,
  width: number | undefined,
): string {
  if (models.length === 0)
    return `No models in ${folder}: mtad pull downloads some, mtad pairs knows names\n`;
  const tables = [...EXPENDABLE, ''].map((_, gone) => {
    const columns = COLUMNS.filter(({ head }) => !EXPENDABLE.slice(0, gone).includes(head));
    return plainTable(
      columns,
      models.map((model) => columns.map(({ cell }) => cell(model))),
      colors,
    );
  });
  const table = tables.find((one) => fits(one, width)) ?? tables.at(-1)!;
  const bytes = models.reduce((sum, model) => sum + model.bytes, 0);
  return `${table}\n\n${colors.dim(folded(`${bytesText(bytes)} in ${folder}`, width))}\n`;
}
