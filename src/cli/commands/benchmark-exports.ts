import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { csv } from '../../benchmark/formats/csv.js';
import { json, jsonLastLine, jsonLine } from '../../benchmark/formats/json.js';
import { markdown } from '../../benchmark/formats/markdown.js';
import { reportPage } from '../../benchmark/page/page.js';
import type { BenchmarkReport } from '../../benchmark/report.js';
import type { BenchmarkFlags } from './benchmark.js';

/** A file that is written when a run is over. */
export interface Export {
  readonly path: string;
  readonly render: (report: BenchmarkReport) => string | Promise<string>;
}

export function exportsOf(flags: BenchmarkFlags): Export[] {
  const all: [string | undefined, Export['render']][] = [
    [flags.exportMd, markdown],
    [flags.exportCsv, csv],
    [flags.exportJson, json],
    [flags.exportJsonl, (report) => report.generations.map(jsonLine).join('') + jsonLastLine(report)],
    [flags.report, reportPage],
  ];
  return all.flatMap(([path, render]) => (path === undefined ? [] : [{ path, render }]));
}

/** @throws Error when a file could not be written; what was meant for it is then in the temporary folder */
export async function writeExports(exports: readonly Export[], report: BenchmarkReport): Promise<void> {
  const lost: string[] = [];
  for (const { path, render } of exports) {
    const content = await render(report);
    try {
      await writeFile(path, content);
    } catch (cause) {
      const refuge = join(tmpdir(), `mtad-${process.pid}-${basename(path)}`);
      await writeFile(refuge, content);
      lost.push(`${(cause as Error).message}; it is in ${refuge} instead`);
    }
  }
  if (lost.length > 0) throw new Error(`Cannot write ${lost.join('; ')}`);
}
