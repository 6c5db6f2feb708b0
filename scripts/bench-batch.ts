/**
 * What one load of the models saves: the same texts about many files, by a loop of the shell and by mtad batch.
 *   npm run bench:batch [-- --files 200] [--max-tokens 16] [--model target.gguf --draft draft.gguf]
 * It prints seconds and processor time of both, and fails where their texts differ.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { positive, runScript } from './arguments.js';

const MTAD = fileURLToPath(new URL('../bin/mtad.js', import.meta.url));

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '200' },
    'max-tokens': { type: 'string', default: '16' },
    model: { type: 'string' },
    draft: { type: 'string' },
  },
});

/** The time of a line of bash and of all its children, in seconds. */
async function timed(line: string, args: readonly string[]): Promise<{ wall: number; processor: number }> {
  const { stderr } = await execa(
    'bash',
    ['-c', `TIMEFORMAT='%R %U %S'; time { ${line}; }`, 'bash', ...args],
    {
      stdin: 'ignore',
      env: { MTAD_CONFIG: '', LC_ALL: 'C' },
    },
  );
  const [wall, user, system] = stderr.trim().split('\n').at(-1)!.split(' ').map(Number);
  return { wall: wall!, processor: user! + system! };
}

await runScript(async () => {
  const files = positive('files', values.files);
  const folder = await mkdtemp(join(tmpdir(), 'mtad-bench-batch-'));
  const [texts, loop, batch] = ['texts', 'loop', 'batch'].map((name) => join(folder, name));
  try {
    for (const path of [texts, loop, batch]) await mkdir(path!);
    for (let i = 0; i < files; i++)
      await writeFile(join(texts!, `${i}.txt`), `Once there were ${i} birds in a tree.`);
    const settings = [
      '-n',
      `${positive('max-tokens', values['max-tokens'])}`,
      '--seed',
      '1',
      '-k',
      '4',
      '-q',
    ];
    const models = ['model', 'draft'].flatMap((name) => {
      const path = values[name as 'model' | 'draft'];
      return path === undefined ? [] : [`--${name}`, path];
    });
    const shared = ['node', MTAD, ...models, ...settings];
    const times = {
      'loop of the shell': await timed(
        `in=$1 out=$2; shift 2; for f in "$in"/*; do "$@" -f "$f" "The story goes on:" > "$out/\${f##*/}"; done`,
        [texts!, loop!, ...shared],
      ),
      'mtad batch': await timed(
        `in=$1 out=$2 node=$3 mtad=$4; shift 4; "$node" "$mtad" batch "$@" -f "$in/*" --out-dir "$out" "The story goes on:"`,
        [texts!, batch!, ...shared],
      ),
    };
    for (const name of await readdir(loop!)) {
      const [one, other] = await Promise.all(
        [loop!, batch!].map((path) => readFile(join(path, name), 'utf8')),
      );
      if (one !== other) throw new Error(`The texts of ${name} differ:\n${one}\n${other}`);
    }
    for (const [way, { wall, processor }] of Object.entries(times))
      process.stdout.write(
        `${way.padEnd(18)} ${files} files: ${wall.toFixed(1)} s, ${processor.toFixed(1)} s of processor time\n`,
      );
  } finally {
    await rm(folder, { recursive: true });
  }
});
