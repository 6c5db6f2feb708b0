import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { execa, type Options } from 'execa';
import { DEVICE } from './device.js';
import { OWN_FOLDERS } from './own-folders.js';

export const BIN = fileURLToPath(new URL('../../bin/mtad.js', import.meta.url));

/** Node's arguments for a real child process that runs mtad; it ends before optimizing its code would pay. */
export const MTAD = [
  '--no-opt',
  '--require',
  fileURLToPath(new URL('tried-library.cjs', import.meta.url)),
  BIN,
];

/** The same for a shell. */
export const MTAD_IN_SHELL = [process.execPath, ...MTAD].map((word) => `'${word}'`).join(' ');

/** Nothing of the person who runs the tests reaches the command. */
export const CLEAN = {
  ...Object.fromEntries(
    Object.keys(process.env).flatMap((name) => (name.startsWith('MTAD_') ? [[name, undefined]] : [])),
  ),
  MTAD_CONFIG: '', // no settings file
  HF_ENDPOINT: 'http://127.0.0.1:2', // nobody listens: no test reaches the real hub
  HF_TOKEN: undefined,
  HF_TOKEN_PATH: undefined,
  HF_HOME: '/no/such/folder',
  ...OWN_FOLDERS,
  HTTP_PROXY: undefined,
  HTTPS_PROXY: undefined,
  NO_PROXY: undefined,
  http_proxy: undefined,
  https_proxy: undefined,
  no_proxy: undefined,
  MTAD_DRAFT_LENGTH: '4', // not what pays on the machine of the day
  MTAD_GPU: DEVICE, // looking for one takes as long as all else that a short command does
  NO_COLOR: undefined,
  FORCE_COLOR: undefined,
  CI: undefined, // a spinner does not turn there
};

/** Node's arguments for a real child process that runs several command lines by mtad, and then says how each ended. */
export const oneAfterAnother = (...commandLines: readonly (readonly string[])[]): string[] => [
  ...MTAD.slice(0, -1),
  fileURLToPath(new URL('one-after-another.mjs', import.meta.url)),
  JSON.stringify(commandLines),
];

/** How a command line of `oneAfterAnother` ended. */
export interface Ended {
  readonly args: readonly string[];
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

type RunOptions = Pick<Options, 'input' | 'env' | 'stdin' | 'cwd'>;

/** Runs the built command in a real child process, with no standard input unless one is given. */
export function mtad(args: readonly string[], { env, input, stdin = 'ignore', cwd }: RunOptions = {}) {
  return execa(process.execPath, [...MTAD, ...args], {
    ...(input === undefined ? { stdin } : { input }),
    ...(cwd === undefined ? {} : { cwd }),
    reject: false,
    stripFinalNewline: false,
    env: { ...CLEAN, ...env } as NodeJS.ProcessEnv,
  });
}

/** Resolves once a stream has said something that matches. */
export function saying(stream: Readable, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = '';
    const listen = (chunk: Buffer) => {
      seen += chunk;
      if (!pattern.test(seen)) return;
      stream.off('data', listen).off('end', fail);
      resolve();
    };
    const fail = () => reject(new Error(`Ended without ${pattern}: ${seen}`));
    stream.on('data', listen).on('end', fail);
  });
}

export interface TerminalOptions extends Omit<RunOptions, 'input' | 'cwd'> {
  readonly columns?: number;
  readonly stderr?: string; // a file for standard error
  readonly afterwards?: string; // for the shell, when the command has ended or Ctrl-Z has stopped it
}

/**
 * The same inside a terminal of its own (`script` of util-linux), whose output streams arrive mixed, as people see them.
 * What is written to a `stdin` that is a pipe is typed there: '\x03' is Ctrl-C.
 */
export function mtadOnTerminal(
  args: readonly string[],
  { env, stdin = 'ignore', columns = 80, stderr, afterwards }: TerminalOptions = {},
) {
  const quoted = [process.execPath, ...MTAD, ...args]
    .map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
    .join(' ');
  const command = stderr === undefined ? quoted : `${quoted} 2>'${stderr}'`;
  const line = afterwards === undefined ? `exec ${command}` : `set -m; ${command}; ${afterwards}`;
  return execa('script', ['--quiet', '--return', '--command', `stty cols ${columns}; ${line}`, '/dev/null'], {
    stdin,
    reject: false,
    stripFinalNewline: false,
    env: { ...CLEAN, TERM: 'xterm', ...env } as NodeJS.ProcessEnv,
  });
}
