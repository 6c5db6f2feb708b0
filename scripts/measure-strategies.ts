/**
 * Block efficiency, acceptance rate, perplexity and time of every strategy on the same prompts:
 *   npx tsx scripts/measure-strategies.ts [--limit 20] [--tokens 128] [--seed 1] [--model F --draft F] [--threads N]
 * Strategies take turns on each prompt, so that a slow moment of the machine hits all of them.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import {
  addStep,
  type Counters,
  generate,
  loadPair,
  NO_STEPS,
  ratios,
  type SettingsInput,
} from '../src/index.js';

const ROWS: Record<string, SettingsInput> = {
  autoregressive: { strategy: 'autoregressive' },
  'autoregressive, temperature 0': { strategy: 'autoregressive', temperature: 0 },
  speculative: { strategy: 'speculative' },
  block: { strategy: 'block' },
  'mtad tau 0.9': { strategy: 'mtad', tau: 0.9 },
  'mtad tau 0.5': { strategy: 'mtad', tau: 0.5 },
  'mtad tau 0.5 clip': { strategy: 'mtad', tau: 0.5, clip: true },
  'mtad tau 0.3': { strategy: 'mtad', tau: 0.3 },
  'mtad tau 0.1': { strategy: 'mtad', tau: 0.1 },
  'mmtad tau 0.5': { strategy: 'mmtad', tau: 0.5 },
  'mmtad tau 0.1': { strategy: 'mmtad', tau: 0.1 },
  mtjd: { strategy: 'mtjd' },
  'speculative, lookup': { strategy: 'speculative', draftFrom: 'lookup' },
  'mtad tau 0.5, lookup': { strategy: 'mtad', tau: 0.5, draftFrom: 'lookup' },
};

const { values } = parseArgs({
  options: {
    limit: { type: 'string', default: '20' },
    tokens: { type: 'string', default: '128' },
    seed: { type: 'string', default: '1' },
    model: { type: 'string' },
    draft: { type: 'string' },
    threads: { type: 'string' },
    'no-perplexity': { type: 'boolean', default: false },
  },
});

const file = await readFile(new URL('../gguf/prompts.jsonl', import.meta.url), 'utf8');
const prompts = file
  .trim()
  .split('\n')
  .slice(0, Number(values.limit))
  .map((line) => JSON.parse(line).prompt as string);
const pair = await loadPair({ model: values.model, draft: values.draft });
const sums = new Map<string, Counters>(Object.keys(ROWS).map((name) => [name, NO_STEPS]));
for (const [i, prompt] of prompts.entries()) {
  process.stderr.write(`\rprompt ${i + 1}/${prompts.length}`);
  for (const [name, settings] of Object.entries(ROWS)) {
    const common = {
      maxTokens: Number(values.tokens),
      seed: Number(values.seed) + i,
      perplexity: !values['no-perplexity'],
    };
    const run = { threads: values.threads === undefined ? undefined : Number(values.threads) };
    for await (const event of generate(pair, prompt, { ...settings, ...common }, run))
      if (event.type === 'step') sums.set(name, addStep(sums.get(name)!, event.step));
  }
}
process.stderr.write('\n');
await pair.dispose();

const fixed = (value: number | null, digits: number) => (value === null ? '-' : value.toFixed(digits));
const lines = [...sums].map(([name, sum]) => {
  const { blockEfficiency, acceptanceRate, perplexity, tokensPerSecond } = ratios(sum);
  const total = sum.ms.draft + sum.ms.verify + sum.ms.own;
  const share = (ms: number) => `${((100 * ms) / total).toFixed(1)} %`;
  return [
    name,
    sum.emitted,
    sum.targetPasses,
    fixed(blockEfficiency, 2),
    fixed(acceptanceRate, 2),
    fixed(perplexity, 2),
    fixed(tokensPerSecond, 0),
    [share(sum.ms.draft), share(sum.ms.verify), share(sum.ms.own)].join(' / '),
  ];
});
const head = [
  'strategy',
  'tokens',
  'passes',
  'block eff.',
  'accept.',
  'perplexity',
  'tokens/s',
  'draft / verify / own',
];
process.stdout.write(
  `${[head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`,
);
