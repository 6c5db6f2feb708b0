/** Traces that are replayed. */
import { readFile } from 'node:fs/promises';
import type { Rng } from '../../src/types.js';
import { runInProcess } from '../../test/support/run-in-process.js';
import { below, damagedBytes, oddValue, pick } from './chance.js';
import { type Kind, tried } from './kind.js';

export const trace: Kind = async () => {
  await runInProcess(['-n', '12', '--seed', '1', '-t', '1', '--trace', 'sound.jsonl', 'Once upon a time']);
  const sound = await readFile('sound.jsonl');
  return (rng) => {
    const content = rng() < 0.4 ? damagedBytes(sound, rng) : Buffer.from(withOddities(`${sound}`, rng));
    return tried({
      files: { 'case.jsonl': content },
      lines: [['benchmark', '--replay', 'case.jsonl', '--threshold', '0.1,0.5']],
    });
  };
};

/** Some values of some lines are others, or their lines are. */
function withOddities(text: string, rng: Rng): string {
  const lines = text.trim().split('\n');
  for (let left = 1 + below(3, rng); left > 0; left--) {
    const at = below(lines.length, rng);
    try {
      lines[at] = JSON.stringify(changed(JSON.parse(lines[at]!), rng));
    } catch {} // it was changed before
    if (rng() < 0.2) lines.splice(below(lines.length, rng), 1);
    if (rng() < 0.2) lines.push(pick(lines, rng));
  }
  return lines.join('\n');
}

function changed(value: unknown, rng: Rng): unknown {
  if (typeof value !== 'object' || value === null || rng() < 0.2) return oddValue(rng);
  const keys = Object.keys(value);
  if (keys.length === 0) return oddValue(rng);
  const key = pick(keys, rng);
  const copy = Array.isArray(value) ? [...value] : { ...value };
  if (rng() < 0.2) delete copy[key as never];
  else copy[key as never] = changed(value[key as never], rng) as never;
  return copy;
}
