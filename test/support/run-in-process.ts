import { closeSync, openSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { Io, type Surroundings } from '../../src/cli/io.js';
import { main } from '../../src/cli/main.js';
import { DEVICE } from './device.js';
import { OWN_FOLDERS } from './own-folders.js';

export interface InProcessOptions {
  readonly input?: string | Buffer; // on standard input; undefined: nothing was piped in
  readonly env?: Record<string, string | undefined>; // all that there is, beside a clean start
  readonly keys?: string; // typed on the terminal that standard input is, where `isTTY` says so; not beside `input`
  readonly isTTY?: boolean; // of all three streams, save a given standard input
  readonly columns?: number; // of the terminal
  readonly stdoutFile?: string; // standard output is this file or device, not a stream in memory
  readonly onStdout?: () => Promise<void>; // what happens before each write to standard output is done
}

/** What the models' rooms read from the real environment: such command lines run one after another. */
const OF_PROCESS = /^(HF_\w+|CUDA_VISIBLE_DEVICES|(https?|no|all)_proxy)$/i;

/** Nothing of the person who runs the tests reaches the command. */
const CLEAN = {
  MTAD_CONFIG: '',
  MTAD_DRAFT_LENGTH: '4', // not what pays on the machine of the day
  MTAD_GPU: DEVICE,
  ...OWN_FOLDERS,
};

class Paper extends Writable {
  text = '';
  readonly #onWrite: (() => Promise<void>) | undefined;

  constructor(onWrite?: () => Promise<void>) {
    super();
    this.#onWrite = onWrite;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.text += chunk;
    if (this.#onWrite) this.#onWrite().then(() => done(), done);
    else done();
  }
}

/** What libraries call on a terminal, beside writing. */
const CURSOR = { clearLine: () => true, cursorTo: () => true, moveCursor: () => true };

interface Papers {
  readonly stdout: Paper;
  readonly stderr: Paper;
}

function surroundingsOf(
  argv: readonly string[],
  { input, keys, env = {}, isTTY = false, columns = 80, onStdout }: InProcessOptions,
): Surroundings & Papers {
  const terminal = isTTY ? { isTTY, columns, ...CURSOR } : {};
  const given = input ?? keys;
  const stdin = given === undefined ? new Readable().destroy() : Readable.from([Buffer.from(given)]);
  return {
    argv,
    stdin: Object.assign(stdin, { isTTY: isTTY && input === undefined }),
    stdout: Object.assign(new Paper(onStdout), terminal),
    stderr: Object.assign(new Paper(), terminal),
    env: { ...CLEAN, ...env },
  };
}

/** Runs `mtad` in this process, with streams in memory: quick, but without signals, pipes and terminals. */
export async function runInProcess(args: readonly string[], options: InProcessOptions = {}) {
  const surroundings = surroundingsOf(args, options);
  const fd = options.stdoutFile === undefined ? undefined : openSync(options.stdoutFile, 'w');
  if (fd !== undefined) Object.assign(surroundings.stdout, { fd });
  const restore = setEnvironment(options.env ?? {});
  try {
    const exitCode = await main(surroundings);
    return { exitCode, stdout: surroundings.stdout.text, stderr: surroundings.stderr.text };
  } finally {
    restore();
    if (fd !== undefined) closeSync(fd);
  }
}

let isSet = false;

/** Puts into the real environment what is read from there. @returns what takes it back */
function setEnvironment(env: Record<string, string | undefined>): () => void {
  const ofProcess = Object.entries(env).filter(([name]) => OF_PROCESS.test(name));
  if (ofProcess.length === 0) return () => {};
  if (isSet)
    throw new Error('Two command lines at once would share one real environment: use mtad() of cli.js');
  const before = { ...process.env };
  isSet = true;
  for (const [name, value] of ofProcess)
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  return () => {
    for (const [name] of ofProcess)
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    isSet = false;
  };
}

/** For what wants an Io and runs no whole command line. What is written to its streams is in their `text`. */
export function ioInMemory(env: Record<string, string | undefined> = {}, isTTY = false): Io & Papers {
  return new Io(surroundingsOf([], { env, isTTY })) as Io & Papers;
}
