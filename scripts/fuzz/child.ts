/** The process in which cases run; its parent sees it end or hang. Argument: the kind. Messages: seeds in, findings out. */
import { createRng } from '../../src/math/rng.js';
import { KINDS } from './kinds.js';

const attempt = await KINDS.get(process.argv[2]!)!();
process.on('disconnect', () => process.exit());
process.on('message', async (seed: number) => {
  const finding = await attempt(createRng(seed)).catch((error: Error) => `stack trace: ${error.stack}`);
  process.send!({ finding: finding ?? null });
});
process.send!({ ready: true });
