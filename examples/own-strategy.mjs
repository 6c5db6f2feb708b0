// node own-strategy.mjs [target.gguf draft.gguf]
import { chainDrafter, choose, generate, likelihoodTruncation, loadPair, logProbOf, nextTokens } from 'mtad';

/**
 * Accept while each single guess is at least tau times as likely to the target (p) as to the draft model (q).
 * @type {import('mtad').StrategyDefinition<'draftLength' | 'threshold'>}
 */
const single = {
  name: 'single',
  help: 'each single p/q',
  heeds: ['draftLength', 'threshold'],
  isLossless: false,
  drafts: 'chain',
  mayRefuse: true,
  sequences: () => ({ target: 1, draft: 1 }),
  create(_settings, { sampling, length, threshold, isEnd, draft }) {
    const truncation = likelihoodTruncation(sampling);
    return {
      truncation,
      draft: chainDrafter(nextTokens(draft, truncation), { length, isEnd }),
      accept(guesses, p, rng) {
        const refused = guesses.findIndex(
          ({ token, q }, i) => logProbOf(p[i], token) - logProbOf(q, token) < Math.log(threshold()),
        );
        const n = refused === -1 ? guesses.length : refused;
        return { accepted: [...guesses.keys()].slice(0, n), next: choose(p[n], sampling, rng) };
      },
    };
  },
};

const [model, draft] = process.argv.slice(2);
const pair = await loadPair({ model, draft }); // of neither: the pair of story models that comes along
try {
  const settings = { strategy: single, draftLength: 4, threshold: 0.3, maxTokens: 32, seed: 1 };
  for await (const event of generate(pair, 'Once upon a time', settings)) {
    if (event.type === 'text') for (const { text } of event.pieces) process.stdout.write(text);
    if (event.type === 'end') {
      const { accepted, drafted } = event.result.counters;
      process.stdout.write(`\n[${single.name}: ${accepted} of ${drafted} drafted tokens accepted]\n`);
    }
  }
} finally {
  await pair.dispose();
}
