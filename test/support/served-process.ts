import { execa } from 'execa';
import { CLEAN, MTAD, saying } from './cli.js';

/** Starts `mtad serve` in a real child process, on a port that is free. @returns it, and where it listens */
export async function started(args: readonly string[], env: Record<string, string | undefined> = {}) {
  const child = execa(process.execPath, [...MTAD, 'serve', '--port', '0', '--threads', '1', ...args], {
    stdin: 'ignore',
    reject: false,
    stripFinalNewline: false,
    env: { ...CLEAN, ...env } as NodeJS.ProcessEnv,
  });
  let said = '';
  child.stderr!.on('data', (chunk) => {
    said += chunk;
  });
  await saying(child.stderr!, /listening on .*\n/);
  return { child, url: /http:\/\/[\d.]+:\d+/.exec(said)![0] };
}
