/**
 * Block efficiency, acceptance rate, perplexity and time of every strategy on the same prompts:
 *   npm run measure -- [--limit 20] [--tokens 128] [--seed 1] [--model F --draft F] [--threads N] [--no-perplexity]
 *     [--engine direct --engine bindings] [--only "mtad tau 0.5" --only autoregressive]
 * Strategies and engines take turns on each prompt, so that a slow moment of the machine hits all of them.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { EngineName } from '../src/engine/engine.js';
import {
  addStep,
  type Counters,
  generate,
  loadPair,
  NO_STEPS,
  type Pair,
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
    engine: { type: 'string', multiple: true, default: ['auto'] },
    only: { type: 'string', multiple: true, default: Object.keys(ROWS) },
    'no-perplexity': { type: 'boolean', default: false },
  },
});

const file = await readFile(new URL('../gguf/prompts.jsonl', import.meta.url), 'utf8');
const prompts = file
  .trim()
  .split('\n')
  .slice(0, Number(values.limit))
  .map((line) => JSON.parse(line).prompt as string);
const pairs: Pair[] = [];
for (const engine of values.engine)
  pairs.push(await loadPair({ model: values.model, draft: values.draft, engine: engine as EngineName }));
const sums = new Map<string, Counters>();
for (const [i, prompt] of prompts.entries()) {
  process.stderr.write(`\rprompt ${i + 1}/${prompts.length}`);
  for (const name of values.only)
    for (const pair of pairs) {
      const settings = {
        ...ROWS[name],
        maxTokens: Number(values.tokens),
        seed: Number(values.seed) + i,
        perplexity: !values['no-perplexity'],
      };
      const threads = values.threads === undefined ? undefined : Number(values.threads);
      const key = pairs.length > 1 ? `${name} (${pair.engine.name})` : name;
      for await (const event of generate(pair, prompt, settings, { threads }))
        if (event.type === 'step') sums.set(key, addStep(sums.get(key) ?? NO_STEPS, event.step));
    }
}
process.stderr.write('\n');
for (const pair of pairs) await pair.dispose();

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
