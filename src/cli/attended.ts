import { Interrupts } from './interrupts.js';
import type { Io } from './io.js';
import { Progress } from './render/progress.js';

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
  const progress = new Progress(io.stderr, io.isWatched && !quiet);
  try {
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
