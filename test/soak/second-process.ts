/** One run of mtad after another in processes of their own, beside what is tried: load, and what it does to them. */
import { mtad } from '../support/cli.js';

/** How a run ended. */
interface Ended {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const WORDS = 'Once upon a time --seed 1 --max-tokens 500 --ignore-eos --threads 1 --quiet'.split(' ');

/** @returns what ends it, and returns the runs and in which ways they ended */
export function runBeside(): () => Promise<{ runs: number; endings: readonly Ended[] }> {
  const endings = new Map<string, Ended>();
  let [runs, isOver] = [0, false];
  const running = (async () => {
    for (; !isOver; runs++) {
      const { exitCode, stdout, stderr } = await mtad(WORDS);
      endings.set(JSON.stringify([exitCode, stdout, stderr]), { exitCode, stdout, stderr });
    }
  })();
  return async () => {
    isOver = true;
    await running;
    return { runs, endings: [...endings.values()] };
  };
}
