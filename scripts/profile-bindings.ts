/**
 * Where the time of a pass goes in node-llama-cpp's API: evaluating k tokens, then reading what may follow each.
 *   npx tsx scripts/profile-bindings.ts [--model FILE] [--threads N] [--repeat 15] [--whole]
 * Medians in milliseconds. --whole reads the whole vocabulary, as a perplexity needs it, not the largest ten.
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { type ControlledEvaluateInputItem, getLlama, type Token } from 'node-llama-cpp';
import { EMBEDDED_PAIR } from '../src/models/resolve.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: EMBEDDED_PAIR.model },
    threads: { type: 'string', default: '1' },
    repeat: { type: 'string', default: '15' },
    whole: { type: 'boolean', default: false },
  },
});

const PREFIX = 32; // tokens that stand before
const llama = await getLlama({ gpu: false, build: 'never', progressLogs: false, maxThreads: 0 });
const model = await llama.loadModel({ modelPath: values.model });
const context = await model.createContext({
  contextSize: 256,
  threads: Number(values.threads),
  batchSize: 128,
});
const sequence = context.getSequence();
const token = (i: number) => (260 + (i % 90)) as Token;
const generateNext = {
  probabilities: true,
  options: { temperature: 1, topK: values.whole ? 0 : 10, topP: 1, minP: 0 },
};
await sequence.controlledEvaluate(Array.from({ length: PREFIX }, (_, i) => token(i)));

const median = (times: number[]) => times.sort((a, b) => a - b)[times.length >> 1]!;
const rows = ['| tokens k | pass, first position read | each further position read |', '| --- | --- | --- |'];
for (const k of [1, 2, 4, 5, 8, 17]) {
  const input = Array.from(
    { length: k },
    (_, i): ControlledEvaluateInputItem => [token(i), { generateNext }],
  );
  const first: number[] = [];
  const further: number[] = [];
  for (let i = 0; i < Number(values.repeat); i++) {
    const started = performance.now();
    const read: number[] = [];
    await sequence.controlledEvaluate(input, { onTokenResult: () => read.push(performance.now()) });
    first.push(read[0]! - started);
    further.push((read.at(-1)! - read[0]!) / Math.max(1, k - 1));
    await sequence.eraseContextTokenRanges([{ start: PREFIX, end: PREFIX + k }]);
  }
  rows.push(`| ${k} | ${median(first).toFixed(2)} | ${k === 1 ? '-' : median(further).toFixed(3)} |`);
}
await llama.dispose();
process.stdout.write(`${rows.join('\n')}\n`);
