/** Generations on the embedded pair, and what their traces say once they were written to a file and read again. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonLine, paramsJson } from '../../src/cli/render/json.js';
import type { GenerationResult } from '../../src/generation/events.js';
import { generate } from '../../src/generation/generate.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import type { Pair } from '../../src/models/pair.js';
import { readTrace } from '../../src/trace/read-trace.js';
import type { Trace } from '../../src/trace/recorded.js';
import { traceStart, traceStep } from '../../src/trace/write.js';

export interface TracedRun {
  readonly trace: Trace;
  readonly result: GenerationResult;
}

/** The texts of gguf/prompts.jsonl. */
export const PROMPTS = (await readFile('gguf/prompts.jsonl', 'utf8'))
  .trim()
  .split('\n')
  .map((line) => (JSON.parse(line) as { prompt: string }).prompt);

/** Generates with one thread, and writes the lines that the command line tool would write. */
export async function traced(pair: Pair, input: SettingsInput, prompt = PROMPTS[0]!): Promise<TracedRun> {
  const lines: string[] = [];
  const write = (line: object) => lines.push(jsonLine(line));
  const usual = { draftLength: 4, ...input };
  for await (const event of generate(pair, prompt, usual, { threads: 1, contextSize: 320 })) {
    if (event.type === 'start') {
      const { settings, contextSize, promptTokens } = event;
      const runtime = { contextSize, threads: 1, flashAttn: 'auto', gpu: 'off' };
      const run = {
        pair,
        template: undefined,
        settings,
        runtime,
        promptTokens: promptTokens.length,
        loadMs: 0,
      };
      const params = paramsJson(run);
      write(traceStart(settings.strategy, params, promptTokens));
    }
    if (event.type === 'step') write(traceStep(event.step, lines.length - 1, undefined, event));
    if (event.type === 'end') return { trace: await inFile(lines.join(''), readTrace), result: event.result };
  }
  throw new Error('The generation has no end');
}

/** Does something with a file of this content, which is gone afterwards. */
export async function inFile<T>(content: string | Uint8Array, act: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'mtad-replay-'));
  try {
    const file = join(folder, 'trace.jsonl');
    await writeFile(file, content);
    return await act(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}
