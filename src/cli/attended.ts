import { Interrupts } from './interrupts.js';
import type { Io, Output } from './io.js';
import { type Progress, SILENT } from './render/progress.js';

/**
 * Runs a command that listens to Ctrl-C, and shows progress on a terminal.
 * @returns the exit code; that of the interrupt, if the interrupt made `run` throw
 */
export async function attended(
  io: Io,
  { quiet }: { readonly quiet?: boolean },
  run: (interrupts: Interrupts, progress: Progress) => Promise<number>,
): Promise<number> {
  const interrupts = new Interrupts(io.signals);
  let progress = SILENT;
  try {
    progress = await openProgress(io.stderr, io.isWatched && !quiet);
    return await run(interrupts, progress);
  } catch (error) {
    if (interrupts.exitCode !== undefined && (error as Error).name === 'AbortError')
      return interrupts.exitCode;
    throw error;
  } finally {
    progress.stop();
    interrupts.dispose();
  }
}

/** Opens the progress of a command. The libraries that draw it are loaded where they draw: they take a sixth of a short run. */
async function openProgress(stream: Output, isWanted: boolean): Promise<Progress> {
  if (!isWanted || !stream.columns) return SILENT; // ora redraws for ever on a terminal without width
  const { DrawnProgress } = await import('./render/drawn-progress.js');
  return new DrawnProgress(stream);
}
