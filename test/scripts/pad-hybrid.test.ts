import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writePaddedHybrid } from '../../scripts/pad-hybrid.js';
import { loadPair } from '../../src/models/pair.js';
import { alone, difference, TOLERANCE } from '../engine/rows.js';
import { run } from '../generation/generate-run.js';
import { HYBRID } from '../support/hybrid.js';

let dir: string;
let padded: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtad-padded-'));
  padded = join(dir, 'padded.gguf');
  await writePaddedHybrid(padded, { width: 1024, layers: 16, ffn: 512, type: 'F16' });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** The rows of a text, and what its head drafts and the target accepts. */
async function workOf(model: string) {
  const pair = await loadPair({ model, engine: 'direct', gpu: 'off' });
  try {
    const settings = { temperature: 0, maxTokens: 60, ignoreEos: true, strategy: 'speculative' } as const;
    const { steps, text } = await run(pair, { ...settings, draftLength: 3, draftFrom: 'mtp' });
    const tokens = pair.target.tokenizer.encode(`Once upon a time${text}`);
    return { rows: await alone(pair.target, tokens), text, accepted: steps.map(({ accepted }) => accepted) };
  } finally {
    await pair.dispose();
  }
}

describe('the padded hybrid', () => {
  it('computes what the embedded one computes, and its head too', async () => {
    const [source, larger] = [await workOf(HYBRID), await workOf(padded)];
    expect(larger.text).toBe(source.text);
    expect(larger.accepted).toEqual(source.accepted);
    expect(difference(larger.rows, source.rows)).toBeLessThan(TOLERANCE);
  });

  it('is no smaller than the source, and as wide as blocks are long', async () => {
    const write = (width: number, ffn: number) =>
      writePaddedHybrid(padded, { width, layers: 8, ffn, type: 'Q8_0' });
    await expect(write(224, 640)).rejects.toThrow(
      /--width 224 is not a multiple of 32 from the source's 256 up/,
    );
    await expect(write(256, 641)).rejects.toThrow(/--ffn 641/);
  });
});
