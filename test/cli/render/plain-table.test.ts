import { stripVTControlCharacters } from 'node:util';
import { Chalk } from 'chalk';
import { expect, test } from 'vitest';
import { plainTable } from '../../../src/cli/render/plain-table.js';

const left = 'left' as const;
const bold = new Chalk({ level: 1 });
const plain = new Chalk({ level: 0 });

const HEADS = ['target', 'draft', 'a head that is wrapped'];

test.each([4, 5, 6, 9, 12, undefined])(
  'at %s characters a column, bold heads are the plain ones',
  (width) => {
    const columns = HEADS.map((head) => ({ head, align: left, ...(width === undefined ? {} : { width }) }));
    const rows = [['one', 'two', 'a cell that is wrapped']];
    const drawn = plainTable(columns, rows, bold);
    expect(drawn).toContain('\x1b[1m');
    expect(stripVTControlCharacters(drawn)).toBe(plainTable(columns, rows, plain));
    for (const word of HEADS.join('').replaceAll(' ', ''))
      expect(stripVTControlCharacters(drawn)).toContain(word);
  },
);
