/**
 * Writes one text for each of many random JSON schemas, under several strategies, and checks that each text that ended by
 * itself is JSON that its schema accepts.
 *
 *   npm run check:grammars -- [--schemas 200] [--engine direct] [--strategies autoregressive,speculative,mtad]
 */
import { parseArgs } from 'node:util';
import type { EngineName } from '../src/engine/port.js';
import type { SettingsInput } from '../src/generation/settings.js';
import { loadPair } from '../src/models/pair.js';
import { trySchema } from '../test/support/schema-trial.js';
import { positive, runScript } from './arguments.js';

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      schemas: { type: 'string', default: '200' },
      engine: { type: 'string', default: 'direct' },
      strategies: { type: 'string', default: 'autoregressive,speculative,mtad' },
    },
  });
  const schemas = positive('schemas', values.schemas);
  const pair = await loadPair({ engine: values.engine as EngineName, gpu: 'off' });
  try {
    for (const strategy of values.strategies.split(',') as NonNullable<SettingsInput['strategy']>[]) {
      const counts = { valid: 0, 'cut off': 0, wrong: 0 };
      const started = performance.now();
      let tokens = 0;
      for (let seed = 1; seed <= schemas; seed++) {
        const { schema, result, outcome } = await trySchema(pair, seed, { strategy });
        tokens += result.tokens.length;
        if (outcome === 'valid' || outcome === 'cut off') counts[outcome]++;
        else {
          counts.wrong++;
          process.exitCode = 1;
          process.stdout.write(`${JSON.stringify({ strategy, seed, outcome, schema, text: result.text })}\n`);
        }
      }
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      process.stdout.write(
        `${strategy}, ${pair.engine.name}: ${schemas} schemas, ${counts.valid} valid, ${counts['cut off']} cut off, ` +
          `${counts.wrong} wrong; ${tokens} tokens, ${seconds} s\n`,
      );
    }
  } finally {
    await pair.dispose();
  }
});
