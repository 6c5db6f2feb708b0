/**
 * How near the draft length that sets itself comes to the best fixed one in the first tokens of a text, by counts: the
 * embedded pair writes, and time is what passes cost by given curves.
 *   npx tsx scripts/count-auto.ts [--prompts file.jsonl] [--limit 20] [--curves deep,stairs,flat,dear,embedded] [--lengths 4,12]
 *     [--strategy mtad] [--threshold 0.1] [--draft notes.corpus+] [--texts 6] [--wrong-draft]
 * 'alone' begins each text with no knowledge, 'handed on' with what the texts before have left, of so many --texts: then it is
 * forgotten. --draft as mtad has it, with a comma between several: each follows what pays, and is compared with the draft model.
 * --wrong-draft takes a draft model that is never right but by chance.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { corpusFile, draftChains } from '../src/cli/model-options.js';
import type { DraftChain } from '../src/drafting/drafter.js';
import { generate } from '../src/generation/generate.js';
import { parseSettings } from '../src/generation/parse-settings.js';
import type { SettingsInput } from '../src/generation/settings.js';
import { loadPair } from '../src/models/pair.js';
import { EMBEDDED_PAIR } from '../src/models/resolve.js';
import { type CostCurves, passMs } from '../src/tuning/cost-curves.js';
import type { CostStore } from '../src/tuning/cost-store.js';
import { LearnedMemory } from '../src/tuning/learned-store.js';
import { positive, runScript } from './arguments.js';
import { STAIRCASE } from './staircase.js';
import { writeWrongDraft } from './wrong-draft.js';

/** Tokens of a text that count. */
const WINDOWS = [64, 128];

const curve = (...costs: readonly (readonly [number, number])[]) => costs.map(([rows, ms]) => ({ rows, ms }));
const flatDraft = (ms: number) => curve([1, ms], [4, ms], [9, ms]);

/** Measured on two cores of an EPYC, threads 1, but for 'flat', which is auto.md's E, of a GPU, and 'dear', its F. */
const CURVES: ReadonlyMap<string, CostCurves> = new Map([
  ['deep', { target: curve([1, 28.7], [5, 87], [9, 98.1], [17, 115]), draft: flatDraft(0.55) }],
  ['stairs', { target: STAIRCASE, draft: flatDraft(0.55) }],
  ['flat', { target: curve([1, 10], [5, 10.5], [16, 12.5], [17, 12.7]), draft: flatDraft(1.2) }],
  ['dear', { target: curve([1, 10], [5, 10.5], [16, 12.5], [17, 12.7]), draft: flatDraft(2.5) }],
  ['embedded', { target: curve([1, 0.59], [2, 1.5], [5, 2.1], [9, 2.8], [17, 5.7]), draft: flatDraft(0.36) }],
]);

const { values } = parseArgs({
  options: {
    prompts: { type: 'string', default: 'gguf/prompts.jsonl' },
    limit: { type: 'string', default: '20' },
    curves: { type: 'string', default: [...CURVES.keys()].join(',') },
    lengths: { type: 'string', default: '1,2,4,8,12,16' },
    strategy: { type: 'string', default: 'mtad' },
    threshold: { type: 'string', default: '0.1' },
    draft: { type: 'string' },
    texts: { type: 'string' },
    'wrong-draft': { type: 'boolean', default: false },
  },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

interface Count {
  readonly tokens: number;
  readonly ms: number;
}

const MODEL: DraftChain = { draftFrom: 'model', draftTail: 'none' };

function nameOf({ draftFirst = 'none', draftFrom, draftTail }: DraftChain): string {
  return [draftFirst, draftFrom === 'auto' ? 'model' : draftFrom, draftTail]
    .filter((source) => source !== 'none')
    .join('+');
}

await runScript(async () => {
  const { strategy } = parseSettings({ strategy: values.strategy } as SettingsInput);
  const scratch = await mkdtemp(join(tmpdir(), 'mtad-count-'));
  const draft = values['wrong-draft']
    ? await writeWrongDraft(join(scratch, 'wrong.gguf'))
    : EMBEDDED_PAIR.draft;
  const pair = await loadPair({ gpu: 'off', model: EMBEDDED_PAIR.model, draft, corpus: corpusFile(values) });
  const lines = (await readFile(values.prompts, 'utf8')).trim().split('\n').slice(0, Number(values.limit));
  const texts = positive('texts', values.texts ?? `${lines.length}`);
  const prompts = lines.map((line) => (JSON.parse(line) as { prompt: string }).prompt);
  try {
    for (const name of values.curves.split(',')) {
      const curves = CURVES.get(name);
      if (!curves) throw new RangeError(`--curves ${name} is none of ${[...CURVES.keys()].join(', ')}`);
      say(`${name}, speed against plain decoding in the first ${WINDOWS.join(' and ')} tokens`);
      for (const length of values.lengths.split(','))
        if (length !== '') told(`k=${length}`, await speedUps(curves, MODEL, Number(length), 'alone'));
      for (const chain of [MODEL, ...draftChains(values)])
        for (const begins of ['alone', 'handed on'] as const)
          told(`${nameOf(chain)}, auto, ${begins}`, await speedUps(curves, chain, 'auto', begins));
    }
  } finally {
    await pair.dispose();
    await rm(scratch, { recursive: true });
  }

  function told(name: string, figures: string): void {
    say(`  ${name}`.padEnd(40) + figures);
  }

  async function speedUps(
    curves: CostCurves,
    chain: DraftChain,
    draftLength: number | 'auto',
    begins: 'alone' | 'handed on',
  ) {
    const costs: CostStore = {
      areFixed: begins === 'alone',
      find: async () => curves,
      keep: async () => {},
      correct: async () => {},
    };
    let learned = new LearnedMemory();
    const sums = WINDOWS.map(() => ({ tokens: 0, ms: 0 }));
    for (const [i, prompt] of prompts.entries()) {
      if (i % texts === 0) learned = new LearnedMemory();
      let text: Count = { tokens: 0, ms: 0 };
      const settings = {
        ...chain,
        strategy,
        threshold: Number(values.threshold),
        draftLength,
        maxTokens: WINDOWS.at(-1)!,
        seed: i,
      };
      for await (const event of generate(
        pair,
        prompt,
        { ...settings, ignoreEos: true },
        { costs, learned },
      )) {
        if (event.type !== 'step') continue;
        const { draft, draftPasses, emitted } = event.step;
        const ms = passMs(curves.target, draft.length + 1) + draftPasses * curves.draft![0]!.ms;
        for (const [w, most] of WINDOWS.entries()) {
          const share = Math.min(1, Math.max(0, most - text.tokens) / emitted.length); // of the step in the window
          sums[w]!.tokens += share * emitted.length;
          sums[w]!.ms += share * ms;
        }
        text = { tokens: text.tokens + emitted.length, ms: text.ms + ms };
      }
    }
    return sums.map(({ tokens, ms }) => ((tokens * curves.target[0]!.ms) / ms).toFixed(3)).join('  ');
  }
});
