import type { DownloadOptions } from '../../models/download.js';
import type { DownloadProgress } from '../../models/receive.js';
import type { Io } from '../io.js';
import type { Progress } from './progress.js';

/** Reports downloads on standard error: a bar per file on a terminal, elsewhere a line at its start and its end. */
export function downloadReports(
  io: Io,
  { quiet }: { readonly quiet?: boolean | undefined },
  progress: Progress,
): Pick<DownloadOptions, 'onProgress' | 'onNotice'> {
  if (quiet) return {};
  const say = (line: string) => {
    progress.stop();
    io.say(line);
  };
  let current: string | undefined;
  const onProgress = ({ file, bytes, total, state }: DownloadProgress) => {
    const isFirst = current !== file;
    if (isFirst && state === 'checking' && !progress.enabled) return say(`checking ${file}`); // it was downloaded before
    current = state === 'done' ? undefined : file;
    if (state === 'done') return say(`downloaded ${file}, ${megabytes(bytes)} MB`);
    if (isFirst) progress.stop();
    if (progress.enabled) {
      if (state === 'loading') return progress.download(file, megabytes(bytes), megabytes(total ?? bytes));
      progress.stop();
      return progress.loading(`Checking ${file}`);
    }
    const how = bytes > 0 ? `continuing after ${megabytes(bytes)} MB` : 'downloading';
    if (isFirst) say(`${how}: ${file}${total === undefined ? '' : `, ${megabytes(total)} MB`}`);
  };
  return { onProgress, onNotice: say };
}

/** In units of 10^6 bytes, as the makers of models count. */
function megabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10;
}
