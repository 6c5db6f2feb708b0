/** Work of all kinds in one process, as users give it: texts, cut ones, refused ones, conversations, clients of a server. */
import { below, pick } from '../../scripts/fuzz/chance.js';
import { ResourceError } from '../../src/errors.js';
import { Conversation } from '../../src/generation/conversation.js';
import type { ConversationEvent, GenerationEvent } from '../../src/generation/events.js';
import { generate, type Prompt } from '../../src/generation/generate.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { loadPair, type Pair, type PairOptions } from '../../src/models/pair.js';
import { heedsSetting, STRATEGY_NAMES } from '../../src/strategies/index.js';
import type { Rng } from '../../src/types.js';
import { CHAT, COMPLETIONS, post, serving } from '../support/served.js';

/** Does one piece of work. @returns the tokens that were written, as far as they are known */
type Job = (rng: Rng) => Promise<number>;

export interface MixedWork {
  /** What is done in one round, by name. */
  readonly jobs: ReadonlyMap<string, Job>;
  /** What is done in one round of many, since it takes longer. */
  readonly rareJobs: ReadonlyMap<string, Job>;
  dispose(): Promise<void>;
}

const RUN = { threads: 1, contextSize: 256 };
const PROMPTS = ['Once upon a time', 'Lily had a dog. Lily had a dog.', 'The cat', 'Tom and his dog went to'];
const QUESTIONS = ['Tell me a story.', 'And then?', 'Who is the girl in the park?'];
const messages = [{ role: 'user' as const, content: QUESTIONS[0]! }];
const GRAMMARS: readonly NonNullable<SettingsInput['grammar']>[] = [
  { gbnf: 'root ::= ("a" | "b" | " ")+ "."' },
  { gbnf: 'root ::= [A-Z] [a-z]* (" " [a-z]+){1,9} "."' },
  { jsonSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } },
];

/** Settings of a text, of any strategy. */
function anySettings(rng: Rng): SettingsInput {
  const strategy = pick(STRATEGY_NAMES, rng);
  const takesLookup = strategy !== 'mmtad' && heedsSetting(strategy, 'draftFrom');
  return {
    strategy,
    draftLength: pick(['auto', 1, 2, 4, 8], rng),
    beamWidth: 1 + below(6, rng),
    ...(rng() < 0.2 ? { quality: 1.1 } : { threshold: pick([0.1, 0.5, 1], rng) }),
    temperature: pick([0, 0.7, 1], rng),
    topK: pick([0, 10, 40], rng),
    seed: below(2 ** 32, rng),
    maxTokens: 8 + below(90, rng),
    ...(takesLookup && {
      draftFrom: pick(['model', 'lookup'], rng),
      draftTail: pick(['none', 'lookup'], rng),
    }),
  };
}

/** The events of a text, of which the last is asked for its tokens. */
async function tokensOf(
  events: AsyncIterable<GenerationEvent | ConversationEvent>,
  watch: () => void = () => {},
): Promise<number> {
  let tokens = 0;
  for await (const event of events) {
    if (event.type === 'end') tokens = event.result.tokens.length;
    watch();
  }
  return tokens;
}

/** @throws Error where the work is done and was not to be */
async function refusedBy(kind: new () => Error, work: Promise<unknown>): Promise<number> {
  const refused = await work.then(
    () => false,
    (error) => {
      if (error instanceof kind) return true;
      throw error;
    },
  );
  if (!refused) throw new Error(`A ${kind.name} was expected`);
  return 0;
}

/** @param files of a pair with a chat template */
export async function openMixedWork(files: PairOptions): Promise<MixedWork> {
  const pair = await loadPair({ ...files, gpu: 'off' });
  const server = await serving(pair, { parallel: 2, settings: { draftLength: 4 }, run: RUN });
  let conversation: Conversation | undefined;
  let asked = 0;

  const write = (rng: Rng, more: SettingsInput = {}, run: object = {}, prompt: Prompt = pick(PROMPTS, rng)) =>
    generate(pair, prompt, { ...anySettings(rng), ...more }, { ...RUN, ...run });

  /** The same, aborted after some events. */
  const cut = (
    rng: Rng,
    begin: (signal: AbortSignal) => AsyncIterable<GenerationEvent | ConversationEvent>,
  ) => {
    const abort = new AbortController();
    let left = below(40, rng);
    if (left === 0) abort.abort();
    return tokensOf(begin(abort.signal), () => void (--left === 0 && abort.abort()));
  };

  /** One request, which its client may leave. @returns the tokens that the server counts */
  const request = async (rng: Rng): Promise<number> => {
    const signal = rng() < 0.3 ? AbortSignal.timeout(1 + below(60, rng)) : undefined;
    const stream = rng() < 0.4;
    const [path, what] = rng() < 0.5 ? [COMPLETIONS, { prompt: pick(PROMPTS, rng) }] : [CHAT, { messages }];
    const body = { ...what, max_tokens: 40, temperature: rng(), stream, strategy: pick(STRATEGY_NAMES, rng) };
    try {
      const response = await post(server, path, body, signal ? { signal } : {});
      const text = await response.text();
      if (!response.ok) throw new Error(text);
      return stream ? 0 : JSON.parse(text).usage.completion_tokens;
    } catch (error) {
      if (signal?.aborted) return 0;
      throw error;
    }
  };

  const jobs: Record<string, Job> = {
    texts: (rng) => tokensOf(write(rng)),
    'checked texts': (rng) => tokensOf(write(rng, {}, { verifyCache: 8 })),
    'texts by grammar': (rng) => tokensOf(write(rng, { grammar: pick(GRAMMARS, rng) })),
    'cut texts': (rng) => cut(rng, (signal) => write(rng, { ignoreEos: true }, { signal })),
    async 'left texts'(rng) {
      let left = below(20, rng);
      for await (const _ of write(rng, { ignoreEos: true })) if (left-- === 0) break;
      return 0;
    },
    'refused texts': (rng) => refusedBy(ResourceError, tokensOf(write(rng, {}, {}, 'word '.repeat(999)))),
    async 'texts at once'(rng) {
      const tokens = await Promise.all(Array.from({ length: 3 }, () => tokensOf(write(rng))));
      return tokens.reduce((a, b) => a + b, 0);
    },
    async answers(rng) {
      if (asked++ % 50 === 0) {
        await conversation?.dispose();
        const run = { ...RUN, contextPolicy: 'shift' } as const;
        conversation = await Conversation.open(pair, anySettings(rng), run);
      }
      if (rng() < 0.1) await conversation!.change(anySettings(rng));
      return cut(rng, (signal) => conversation!.ask(pick(QUESTIONS, rng), signal));
    },
    'answers once more': async () => (conversation?.messages.length ? tokensOf(conversation.retry()) : 0),
    async requests(rng) {
      const tokens = await Promise.all(Array.from({ length: 4 }, () => request(rng)));
      return tokens.reduce((a, b) => a + b, 0);
    },
  };

  const loaded = async (rng: Rng, engine: 'direct' | 'bindings') => {
    const other: Pair = await loadPair({ ...files, gpu: 'off', engine });
    const tokens = await tokensOf(generate(other, pick(PROMPTS, rng), anySettings(rng), RUN));
    await other.dispose();
    return tokens;
  };
  const rareJobs: Record<string, Job> = {
    'pairs loaded': (rng) => loaded(rng, 'direct'),
    'pairs loaded by the bindings': (rng) => loaded(rng, 'bindings'),
  };

  return {
    jobs: new Map(Object.entries(jobs)),
    rareJobs: new Map(Object.entries(rareJobs)),
    async dispose() {
      await conversation?.dispose();
      await server.stop();
      await pair.dispose();
    },
  };
}
