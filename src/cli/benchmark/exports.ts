import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { csv } from '../../benchmark/out/csv.js';
import { json } from '../../benchmark/out/json.js';
import { jsonLines } from '../../benchmark/out/jsonl.js';
import { markdown } from '../../benchmark/out/markdown.js';
import { reportPage } from '../../benchmark/out/page/page.js';
import type { BenchmarkReport } from '../../benchmark/report.js';
import { UsageError } from '../../errors.js';
import type { Sink } from '../render/sink.js';
import type { BenchmarkFlags } from './flags.js';

/** A file that is written at the end of a run. */
export interface Export {
  readonly path: string;
  readonly render: (report: BenchmarkReport) => string | Promise<string>;
}

/** Formats, by the ending of the file's name. */
const FORMATS: ReadonlyMap<string, Export['render']> = new Map<string, Export['render']>([
  ['.md', markdown],
  ['.csv', csv],
  ['.json', json],
  ['.jsonl', jsonLines],
]);

/** @throws UsageError for `-`, since --format says what standard output gets, and for an ending without a format */
export function exportsOf({ output, report }: Pick<BenchmarkFlags, 'output' | 'report'>): Export[] {
  if ([...output, report].includes('-'))
    throw new UsageError('Standard output gets what --format asks for; a file with the name - is ./-');
  const page = report === undefined ? [] : [{ path: report, render: reportPage }];
  return [...output.map((path) => ({ path, render: formatOf(path) })), ...page];
}

function formatOf(path: string): Export['render'] {
  const render = FORMATS.get(extname(path).toLowerCase());
  if (render || path === '') return render ?? json; // the check of outputs refuses a file without a name
  const known = [...FORMATS.keys()].join(', ');
  throw new UsageError(
    `--output ${path}: its ending must say the format, one of ${known} (a page is --report)`,
  );
}

/**
 * Writes the files of a run, after standard output.
 * @param printed all of standard output
 * @throws Error where something could not be written, after all the others are; the rest is then in the temporary folder
 */
export async function writeExports(
  exports: readonly Export[],
  report: BenchmarkReport,
  stdout: Sink,
  printed: Export,
): Promise<void> {
  const lost: string[] = [];
  if (stdout.loss)
    lost.push(`${stdout.loss.message}; ${await rescue(printed.path, await printed.render(report))}`);
  for (const { path, render } of exports) {
    const content = await render(report);
    try {
      await writeFile(path, content);
    } catch (cause) {
      lost.push(`Cannot write ${path}: ${(cause as Error).message}; ${await rescue(path, content)}`);
    }
  }
  if (lost.length > 0) throw new Error(lost.join('; '));
}

/** Writes a lost output into the temporary folder. @returns the end of a sentence that says where it is */
async function rescue(path: string, content: string): Promise<string> {
  try {
    const refuge = join(await mkdtemp(join(tmpdir(), 'mtad-')), basename(path));
    await writeFile(refuge, content);
    return `it is in ${refuge} instead`;
  } catch (cause) {
    return `nor does the temporary folder take it: ${(cause as Error).message}`;
  }
}
