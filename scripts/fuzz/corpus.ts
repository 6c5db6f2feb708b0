/** Files that `mtad learn` wrote, and texts that it reads. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { runInProcess } from '../../test/support/run-in-process.js';
import { damagedBytes } from './chance.js';
import { type Kind, tried } from './kind.js';

export const corpus: Kind = async () => {
  const prompts = fileURLToPath(new URL('../../gguf/prompts.jsonl', import.meta.url));
  await runInProcess(['learn', prompts, '--for', EMBEDDED_PAIR.model, '-o', 'sound.corpus']);
  const [sound, texts] = [await readFile('sound.corpus'), await readFile(prompts)];
  const head = sound.subarray(0, 300);
  return (rng) => {
    const struck =
      rng() < 0.7 ? Buffer.concat([damagedBytes(head, rng), sound.subarray(300)]) : damagedBytes(sound, rng);
    return tried({
      files: { 'case.corpus': struck, 'case.jsonl': damagedBytes(texts, rng, 20) },
      lines: [
        ['inspect', 'case.corpus'],
        ['-m', EMBEDDED_PAIR.model, '-d', 'case.corpus', '-n', '6', '-t', '1', '--seed', '1', 'Once upon a'],
        ['learn', 'case.jsonl', '--for', EMBEDDED_PAIR.model, '-o', 'made.corpus', '--quiet'],
      ],
    });
  };
};
