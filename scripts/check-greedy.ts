/**
 * Writes texts at temperature 0 with strategies that leave the target's text as it is, and tells how many are equal to what
 * autoregressive decoding writes. Where one parts from it, the gap between the two tokens' logits tells whether that is
 * rounding: a pass of several tokens adds up in another order than a pass of one.
 *
 *   npm run check:greedy -- [--prompts 14] [--tokens 250] [--engine direct] [--model target.gguf --draft draft.gguf]
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { EngineName } from '../src/engine/port.js';
import type { RunOptions } from '../src/generation/run-options.js';
import { loadPair } from '../src/models/pair.js';
import { type Parting, partingOf, writeGreedily } from '../test/support/greedy-texts.js';
import { positive, runScript } from './arguments.js';

/** The ways of keeping and reading the KV cache that are compared, by the options that ask for them. */
const WAYS: Readonly<Record<string, RunOptions>> = {
  '--flash-attn auto': {},
  '--flash-attn off': { flashAttention: false },
  '--flash-attn off --cache-type f32': { flashAttention: false, cacheType: 'f32' },
};

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      prompts: { type: 'string', default: '14' },
      tokens: { type: 'string', default: '250' },
      engine: { type: 'string', default: 'direct' },
      model: { type: 'string' },
      draft: { type: 'string' },
    },
  });
  const count = positive('prompts', values.prompts);
  const maxTokens = positive('tokens', values.tokens);
  const lines = (await readFile('gguf/prompts.jsonl', 'utf8')).trim().split('\n').slice(0, count);
  const prompts = lines.map((line) => (JSON.parse(line) as { prompt: string }).prompt);
  const { model, draft } = values;
  const pair = await loadPair({ engine: values.engine as EngineName, model, draft, gpu: 'off' });
  try {
    for (const [way, run] of Object.entries(WAYS)) {
      const parted = { speculative: [] as Parting[], block: [] as Parting[] };
      for (const prompt of prompts) {
        const alone = await writeGreedily(pair, prompt, 'autoregressive', maxTokens, run);
        for (const strategy of ['speculative', 'block'] as const) {
          const together = await writeGreedily(pair, prompt, strategy, maxTokens, run);
          const parting = await partingOf(pair, alone, together, run);
          if (parting) parted[strategy].push(parting);
        }
      }
      for (const [strategy, partings] of Object.entries(parted)) {
        const equal = `${prompts.length - partings.length} of ${prompts.length} texts equal`;
        const where = partings.map(({ place, gap }) => `after ${place} tokens, gap ${gap.toPrecision(2)}`);
        process.stdout.write(`${way}, ${strategy}: ${[equal, ...where].join('; ')}\n`);
      }
    }
  } finally {
    await pair.dispose();
  }
});
