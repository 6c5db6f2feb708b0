/**
 * Runs several command lines by bin/mtad.js in this one process, one after another: a process of its own for each would
 * take most of its time to start. argv: the command lines as JSON. Standard output: how each ended, as JSON.
 */
import { setTimeout } from 'node:timers/promises';

const BIN = new URL('../../bin/mtad.js', import.meta.url);
const [commandLines, write] = [JSON.parse(process.argv[2]), process.stdout.write.bind(process.stdout)];
const ends = [];
for (const [i, args] of commandLines.entries()) {
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'])
    process[name].write = (chunk, ...rest) => {
      said[name] += chunk;
      rest.at(-1)?.();
      return true;
    };
  process.argv.splice(1, Infinity, BIN.pathname, ...args);
  process.exitCode = undefined;
  await import(`${BIN}?${i}`);
  while (process.exitCode === undefined) await setTimeout(5);
  ends.push({ args, exitCode: process.exitCode, ...said });
}
write(JSON.stringify(ends));
process.exitCode = 0;
