import { describe, expect, it } from 'vitest';
import { notes } from '../../../src/benchmark/out/notes.js';
import type { BenchmarkReport } from '../../../src/benchmark/report.js';
import { fakeGeneration, reportOf } from '../../support/fake-generation.js';

const REPORT = reportOf([]);
const { conditions, models, energy } = REPORT;

const text = (rest: Partial<BenchmarkReport> = {}) => notes({ ...REPORT, ...rest }).join('\n');

describe('the notes', () => {
  it('tell models, conditions, machine, versions and energy', () => {
    expect(notes(REPORT)).toEqual([
      'Target large.gguf (4000 MB), draft small.gguf (80.5 MB)',
      '10 prompts (built-in) x 1, at most 128 tokens; temperature 1, top-k 10, top-p 0.9, seed 1',
      'Abacus 9, 2 processors, 8 GB, Linux 6.1; cpu, threads by model and device; ' +
        'mtad 0.1.0, node-llama-cpp 3.21.1, llama.cpp b1, Node 20.19.0',
      'One bare pass of the target over k tokens, in ms: T(1) 40.0',
      'Energy: not available. CPU not counted: no such counter',
    ]);
  });

  it('begin with what a reader must know', () => {
    const generations = [fakeGeneration(), fakeGeneration()];
    const caveat = 'a large model with the wits of a small one';
    const [first, second] = notes({
      ...REPORT,
      complete: false,
      generations,
      models: { ...models, target: { ...models.target, caveat } },
    });
    expect(first).toBe('INCOMPLETE: the run ended early; 2 generations are in it');
    expect(second).toBe(`large.gguf: ${caveat}`);
  });

  it.each([
    { skipped: 0, expected: undefined },
    { skipped: 1, expected: '1 prompt skipped: p0 (too long)' },
    { skipped: 3, expected: '3 prompts skipped: p0 (too long), p1 (too long), p2 (too long)' },
    { skipped: 9, expected: '9 prompts skipped: p0 (too long), p1 (too long), p2 (too long), ...' },
  ])('name the first of $skipped skipped prompts', ({ skipped, expected }) => {
    const list = Array.from({ length: skipped }, (_, i) => ({ id: `p${i}`, reason: 'too long' }));
    const all = notes({ ...REPORT, conditions: { ...conditions, skipped: list } });
    expect(all.find((note) => note.includes('skipped'))).toBe(expected);
  });

  it('tell how the models ran, as far as it was asked for', () => {
    expect(text({})).toMatch(/; cpu, threads by model and device; mtad/);
    const asked = { ...conditions, threads: 4, draftThreads: 1, gpuLayers: 20, draftGpuLayers: 1 };
    const more = { ...asked, contextSize: 512, cacheType: 'q8_0', flashAttention: true };
    expect(
      text({ machine: { ...REPORT.machine, backend: 'cuda', gpus: ['Abacus X'] }, conditions: more }),
    ).toContain(
      '; cuda, Abacus X, 4 threads, 1 for the draft model, 20 layers of the target on the GPU, ' +
        '1 layer of the draft model on the GPU, context of 512 tokens, KV cache q8_0, flash attention on; mtad',
    );
  });

  it('tell where the energy is from, and what is missing', () => {
    const source = 'RAPL package-0';
    const reason = 'GPU not counted: no NVML';
    expect(text({ energy: { ...energy, source, reason: null, idleWatts: 11.46 } })).toContain(
      'Energy: RAPL package-0, idle 11.5 W, subtracted',
    );
    expect(text({ energy: { source, reason, idleWatts: null } })).toContain(
      'Energy: RAPL package-0, idle power unknown. GPU not counted: no NVML',
    );
  });

  it('tell other conditions', () => {
    expect(text({ conditions: { ...conditions, ignoreEos: true } })).toContain('128 tokens, ends ignored;');
    expect(text({ conditions: { ...conditions, threads: 1 } })).toContain('cpu, 1 thread;');
    expect(text({ conditions: { ...conditions, threads: 8 } })).toContain('cpu, 8 threads;');
    expect(text({ models: { ...models, draft: null } })).toContain('(4000 MB), draft none');
  });
});
