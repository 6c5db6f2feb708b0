import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { type Answer, asked, COMPLETIONS, completed, FIXED, serving } from '../support/served.js';

const STORY =
  'Once upon a time there was a girl who lived in a small house near the sea, and every day she went to the beach';
const OTHER =
  'The old man sat on a bench in the park and fed the birds with the bread that he had bought that morning';

let pair: Pair;
beforeAll(async () => {
  pair = await loadPair({ gpu: 'off' });
});
afterAll(() => pair?.dispose());

async function cached(
  server: Parameters<typeof asked>[0],
  prompt: string,
  more: object = {},
): Promise<number> {
  const { usage }: Answer = await asked(server, COMPLETIONS, { ...FIXED, max_tokens: 8, prompt, ...more });
  return usage.prompt_tokens_details.cached_tokens;
}

describe('what a prompt has in common with an earlier text', () => {
  it('is not evaluated again, whatever text came in between, and the text is the same', async () => {
    const server = await serving(pair);
    expect(await cached(server, STORY)).toBe(0);
    expect(await cached(server, OTHER)).toBe(0); // in the second cache
    expect(await cached(server, `${STORY} with her dog.`)).toBeGreaterThan(20);
    expect(await cached(server, `${OTHER} again.`)).toBeGreaterThan(20);
    expect(await cached(server, `${STORY} alone.`, { strategy: 'autoregressive' })).toBeGreaterThan(20);
    const fresh = await serving(pair);
    expect(await completed(server, `${STORY} with her cat.`)).toBe(
      await completed(fresh, `${STORY} with her cat.`),
    );
    await Promise.all([server.stop(), fresh.stop()]);
  });

  it('is evaluated again where there is one cache and another text came in between', async () => {
    const server = await serving(pair, { caches: 1 });
    await cached(server, STORY);
    await cached(server, OTHER);
    expect(await cached(server, STORY)).toBeLessThan(3);
    await server.stop();
  });

  it('stays where a request needs larger caches than the server began with', async () => {
    const server = await serving(pair, { settings: { strategy: 'autoregressive' } });
    const alone = await serving(pair);
    for (const strategy of ['mtad', 'mmtad', 'autoregressive', 'mtjd'])
      expect(await completed(server, STORY, { strategy }), strategy).toBe(
        await completed(alone, STORY, { strategy }),
      );
    expect(await cached(server, STORY)).toBeGreaterThan(20);
    await Promise.all([server.stop(), alone.stop()]);
  });
});

it('a short beginning in common costs no long text its cache', async () => {
  const server = await serving(pair);
  await cached(server, `${STORY} ${OTHER}`);
  expect(await cached(server, 'Once upon a time')).toBe(0); // in the empty cache
  expect(await cached(server, `${STORY} ${OTHER} again`)).toBeGreaterThan(40);
  await server.stop();
});
