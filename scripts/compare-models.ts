/**
 * How far apart two models of one vocabulary are that should compute the same:
 *   npx tsx scripts/compare-models.ts --model "$(npx tsx scripts/widen-model.ts --type Q8_0)" [--reference FILE] [--prompts 20]
 * Log-probabilities of the reference's ten likeliest tokens at 200 positions of a text, evaluated 1, 5 and 100 at a time;
 * then plain decoding at temperature 0, up to 96 tokens, and how near to a tie the reference was where texts part.
 */
import { parseArgs } from 'node:util';
import { readPrompts } from '../src/benchmark/prompts.js';
import type { Model } from '../src/engine/port.js';
import { generate, loadPair, type Pair } from '../src/index.js';
import { rawLogProb } from '../src/math/raw-log-prob.js';
import { EMBEDDED_PAIR } from '../src/models/resolve.js';
import type { TokenId, TopLogits } from '../src/types.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    reference: { type: 'string', default: EMBEDDED_PAIR.model },
    prompts: { type: 'string', default: '20' },
  },
});
const POSITIONS = 200;
const TOP = 10;
const TOKENS = 96;

/** What follows each token, evaluated `step` at a time, over the whole vocabulary. */
async function rows(model: Model, tokens: readonly TokenId[], step: number): Promise<TopLogits[]> {
  const context = await model.createContext({ capacity: tokens.length, sequences: 1, threads: 1 });
  try {
    const all: TopLogits[] = [];
    for (let at = 0; at < tokens.length; at += step) {
      const batch = tokens.slice(at, at + step).map((token, i) => {
        return { token, position: at + i, sequences: [0], wanted: true };
      });
      all.push(...(await context.run({ keeps: [], batch, read: { top: 0, logSumExp: true } })).rows);
    }
    return all;
  } finally {
    await context.dispose();
  }
}

function differences(ours: readonly TopLogits[], reference: readonly TopLogits[]): number[] {
  return reference.flatMap((row, i) =>
    [...row.tokens.slice(0, TOP)].map((token) =>
      Math.abs(rawLogProb(ours[i]!, token)! - rawLogProb(row, token)!),
    ),
  );
}

async function greedy(pair: Pair, prompt: string): Promise<readonly TokenId[]> {
  const settings = { strategy: 'autoregressive', temperature: 0, maxTokens: TOKENS } as const;
  for await (const event of generate(pair, prompt, settings, { threads: 1 }))
    if (event.type === 'end') return event.result.tokens;
  return [];
}

/** How much likelier the first choice was than the second, as a difference of logits, where two texts part. */
async function gapAtParting(
  { target }: Pair,
  prompt: string,
  ours: readonly TokenId[],
  theirs: readonly TokenId[],
): Promise<number | undefined> {
  const at = theirs.findIndex((token, i) => token !== ours[i]);
  if (at < 0) return undefined;
  const text = [...target.tokenizer.encode(prompt), ...theirs.slice(0, at)];
  const [first, second] = (await rows(target, text, text.length)).at(-1)!.logits;
  return first! - second!;
}

const load = (model: string | undefined) => loadPair({ model, needsDraft: false, gpu: 'off' });
const reference = await load(values.reference);
const model = await load(values.model);
const prompts = await readPrompts(undefined, Number.POSITIVE_INFINITY);
const { tokenizer } = reference.target;
const text = tokenizer.encode(prompts.map((prompt) => prompt.text).join(' ')).slice(0, POSITIONS);
for (const step of [1, 5, 100]) {
  const found = differences(await rows(model.target, text, step), await rows(reference.target, text, step));
  const mean = found.reduce((a, b) => a + b, 0) / found.length;
  process.stdout.write(
    `${step} at a time: ${found.length} log-probabilities, largest difference ${Math.max(...found).toFixed(4)}, mean ${mean.toFixed(4)}\n`,
  );
}
const wanted = prompts.slice(0, Number(values.prompts));
const gaps: number[] = [];
for (const prompt of wanted) {
  const gap = await gapAtParting(
    reference,
    prompt.text,
    await greedy(model, prompt.text),
    await greedy(reference, prompt.text),
  );
  if (gap !== undefined) gaps.push(gap);
}
const shown = gaps.map((gap) => gap.toFixed(4)).join(', ');
process.stdout.write(
  `temperature 0: ${gaps.length} of ${wanted.length} texts part${shown && `, where the first choice led by (logits) ${shown}`}\n`,
);
await model.dispose();
await reference.dispose();
