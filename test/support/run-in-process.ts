import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { Io, type Surroundings } from '../../src/cli/io.js';
import { main } from '../../src/cli/main.js';

export interface InProcessOptions {
  readonly input?: string | Buffer; // on standard input; undefined: nothing was piped in
  readonly env?: Record<string, string | undefined>; // all that there is, beside a clean start
  readonly isTTY?: boolean; // of all three streams, save a given standard input
  readonly columns?: number; // of the terminal
}

/** What the models' rooms read from the real environment: it cannot be given to one command line alone. */
const OF_PROCESS = /^(HF_\w+|CUDA_VISIBLE_DEVICES|(https?|no|all)_proxy)$/i;

/** Nothing of the person who runs the tests reaches the command. */
const CLEAN = { MTAD_CONFIG: '', XDG_CACHE_HOME: join(tmpdir(), 'mtad-test-cache') };

class Paper extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }
}

interface Papers {
  readonly stdout: Paper;
  readonly stderr: Paper;
}

function surroundingsOf(
  argv: readonly string[],
  { input, env = {}, isTTY = false, columns = 80 }: InProcessOptions,
): Surroundings & Papers {
  const refused = Object.keys(env).find((name) => OF_PROCESS.test(name));
  if (refused) throw new Error(`${refused} is read from the real environment: use mtad() of cli.js`);
  const terminal = isTTY ? { isTTY, columns } : {};
  const stdin = input === undefined ? new Readable().destroy() : Readable.from([Buffer.from(input)]);
  return {
    argv,
    stdin: Object.assign(stdin, { isTTY: isTTY && input === undefined }),
    stdout: Object.assign(new Paper(), terminal),
    stderr: Object.assign(new Paper(), terminal),
    env: { ...CLEAN, ...env },
  };
}

/** Runs `mtad` in this process, with streams in memory: quick, but without signals, pipes and terminals. */
export async function runInProcess(args: readonly string[], options: InProcessOptions = {}) {
  const surroundings = surroundingsOf(args, options);
  const exitCode = await main(surroundings);
  return { exitCode, stdout: surroundings.stdout.text, stderr: surroundings.stderr.text };
}

/** For what wants an Io and runs no whole command line. What is written to its streams is in their `text`. */
export function ioInMemory(env: Record<string, string | undefined> = {}): Io & Papers {
  return new Io(surroundingsOf([], { env })) as Io & Papers;
}
