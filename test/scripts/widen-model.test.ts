import { mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type WidenOptions, widenAsAsked, widenModel } from '../../scripts/widen-model.js';
import { createDirectEngine } from '../../src/engine/direct/engine.js';
import type { Engine, Model } from '../../src/engine/port.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import type { TokenId, TopLogits } from '../../src/types.js';
import { ALL, chain, decode, withContext } from '../engine/rows.js';
import { inFull, namedOf, tries } from '../support/tries.js';

const STORY =
  'Once upon a time, there was a little girl named Lily. She loved to play outside with her dog. One day, she saw ' +
  'a big red ball in the park. "Can I play with your ball?" she asked the boy. The boy said yes, and they threw the ' +
  'ball up high. It got stuck in a tree! Lily was sad, but the boy had an idea. He climbed up and shook the branch.';

/** Places left over on every axis, and a layer: noise wherever there can be. */
const SPARE = { width: 576, layers: 7, ffn: 1568 };
/** Two copies of everything; by `npm run test:all` four. Models of the default size have eight of most. */
const COPIES = tries({ width: 512, layers: 6, ffn: 1536 }, { width: 1024, layers: 6, ffn: 3072 });

/**
 * Bounds for the largest and the mean difference of the log-probabilities of a row's ten likeliest tokens. Seen: 0.007
 * and 0.0009 for F32 and F16; with two copies 0.025 and 0.0041 for BF16, 0.11 and 0.015 for Q8_0, with four 0.015 and
 * 0.0024, 0.07 and 0.009. Padded with zeros alone, without copies, BF16 differs by 0.057 and 0.0075, Q8_0 by 0.19 and 0.024.
 */
const CASES = [
  { ...SPARE, type: 'F32', largest: 0.02, mean: 0.002 },
  { ...SPARE, type: 'F16', largest: 0.02, mean: 0.002 },
  { ...COPIES, type: 'BF16', ...tries({ largest: 0.035, mean: 0.0055 }, { largest: 0.02, mean: 0.004 }) },
  { ...COPIES, type: 'Q8_0', ...tries({ largest: 0.15, mean: 0.019 }, { largest: 0.15, mean: 0.014 }) },
] as const;
/** Each day one of those that spare places, and one of those that are copies. */
const TRIED = tries(namedOf(CASES, 'type', ['F16', 'Q8_0']), CASES);

/** Tokens that are written at temperature 0, with the prompt. */
const GREEDY = tries(32, 64);

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtad-widen-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('a widened model', () => {
  let engine: Engine;
  let target: Model;
  beforeAll(async () => {
    engine = await createDirectEngine({ gpu: 'off' });
    target = await engine.loadModel(EMBEDDED_PAIR.model, {});
  });
  afterAll(() => engine.dispose());

  describe.each(TRIED)('$width wide, with matrices of $type', ({ width, layers, ffn, type, ...bound }) => {
    let model: Model;
    beforeAll(async () => {
      const out = join(dir, `${type}.gguf`);
      model = await engine.loadModel(await widenModel({ width, layers, ffn, type, out }), {});
    });

    it("gives the embedded target's log-probabilities", async () => {
      const differences = logProbDifferences(await rowsOf(model), await rowsOf(target));
      expect(differences.length).toBeGreaterThan(800);
      expect(Math.max(...differences)).toBeLessThan(bound.largest);
      expect(differences.reduce((sum, one) => sum + one, 0) / differences.length).toBeLessThan(bound.mean);
    });

    it('writes its text at temperature 0, except at ties', async () => {
      const [ours, theirs] = [await greedy(model), await greedy(target)];
      const parting = ours.findIndex(({ tokens }, i) => tokens[0] !== theirs[i]!.tokens[0]);
      if (parting === -1) return;
      const { logits } = theirs[parting]!;
      expect(logits[0]! - logits[1]!).toBeLessThan(2 * bound.largest);
    });
  });
});

function rowsOf(model: Model): Promise<readonly TopLogits[]> {
  const tokens = model.tokenizer.encode(STORY);
  return withContext(model, { capacity: tokens.length, sequences: 1 }, (context) =>
    decode(context, chain(tokens), ALL),
  );
}

/** Of the ten tokens that are likeliest by `expected`, in every row. */
function logProbDifferences(rows: readonly TopLogits[], expected: readonly TopLogits[]): number[] {
  return expected.flatMap((row, i) => {
    const ours = logProbs(rows[i]!);
    return [...logProbs(row)].slice(0, 10).map(([token, logProb]) => Math.abs(ours.get(token)! - logProb));
  });
}

function logProbs({ tokens, logits }: TopLogits): Map<TokenId, number> {
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - logits[0]!), 0)) + logits[0]!;
  return new Map(Array.from(tokens, (token, i) => [token, logits[i]! - total]));
}

/** What the model could write after each token of its text. */
function greedy(model: Model): Promise<readonly TopLogits[]> {
  return withContext(model, { capacity: GREEDY, sequences: 1 }, async (context) => {
    const tokens = model.tokenizer.encode('Once upon a time');
    const rows: TopLogits[] = [];
    for (let held = 0; tokens.length < GREEDY; ) {
      const [row] = (await decode(context, chain(tokens.slice(held), held), ALL)).slice(-1);
      held = tokens.length;
      tokens.push(row!.tokens[0]!);
      rows.push(row!);
    }
    return rows;
  });
}

describe('widenModel', () => {
  const small: WidenOptions = { width: 256, layers: 6, ffn: 768, type: 'Q8_0' };

  it('leaves a whole file alone, and writes a damaged or another one again', async () => {
    const out = join(dir, 'again.gguf');
    await widenModel({ ...small, out });
    const whole = await readFile(out);
    const { ino } = await stat(out);
    expect(await widenModel({ ...small, out })).toBe(out);
    expect((await stat(out)).ino).toBe(ino);

    await truncate(out, whole.length - 1);
    await widenModel({ ...small, out });
    expect(whole.equals(await readFile(out))).toBe(true);

    await widenModel({ ...small, layers: 7, out });
    expect((await readFile(out)).length).toBeGreaterThan(whole.length);
    expect((await readdir(dir)).filter((name) => name.includes('.part'))).toEqual([]);
  });
});

describe('scripts/widen-model.ts', () => {
  const script = fileURLToPath(new URL('../../scripts/widen-model.ts', import.meta.url));
  const run = (...args: string[]) =>
    execa(process.execPath, ['--import', 'tsx', script, ...args], {
      reject: false,
      env: { XDG_CACHE_HOME: dir, HOME: dir, LOCALAPPDATA: dir },
    });

  it("prints the path of a file in the user's cache folder, and what it is on stderr", async () => {
    const { stdout, stderr, exitCode } = await run('--width', '256', '--ffn', '768', '--type', 'Q8_0');
    expect(exitCode).toBe(0);
    expect(stdout.startsWith(dir)).toBe(true);
    expect(stdout).toMatch(/stories-target-256x6-ffn768-q8_0\.gguf$/);
    const { size } = await stat(stdout);
    expect(stderr).toBe(`${stdout}: 5.6 M parameters, ${(size / 1e6).toFixed(1)} MB`);
  });

  it.each([
    [['--width', '100'], /^--width 100 is not/],
    [['--type', 'Q4_0'], /^--type Q4_0 is not one of F32, F16, Q8_0, BF16$/],
    [['--heads', '8'], /'--heads'/],
    [['--width', '256', '--ffn', '768', '--out', 'no/such/folder/model.gguf'], /ENOENT/],
  ])('refuses %j in one line', async (args, message) => {
    const { message: said } = await widenAsAsked(args).then(expect.unreachable, (error: Error) => error);
    expect(said).toMatch(message);
    expect(said).not.toContain('\n');
  });

  inFull('writes a refusal to stderr in one line, and ends with exit code 1', async () => {
    const { stdout, stderr, exitCode } = await run('--width', '-1');
    expect(stderr).toMatch(/width/);
    expect(stderr).not.toContain('\n');
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
  });
});
