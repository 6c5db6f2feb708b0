/**
 * Feeds hostile inputs to mtad: model files, grammars, schemas, templates, traces, prompts, conversations, settings, corpora,
 * requests and arguments, made by chance from a seed. Cases run in a child process, which is started anew when it ends or
 * hangs. A case that hangs is tried again in a process of its own, with more time: a loaded machine is slow.
 *
 *   npm run fuzz -- [--kinds gguf,grammar] [--cases 200] [--seconds 60] [--seed 1] [--from 0]
 *
 * Prints each finding with the number of its case (`--from <number> --cases 1` tries it again), and for each kind its cases,
 * crashes, hangs and stack traces. `--seconds` is for each kind.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { positive, runScript } from './arguments.js';
import { KINDS } from './fuzz/kinds.js';

const CHILD = fileURLToPath(new URL('fuzz/child.ts', import.meta.url));
const START_MS = 120_000;
const CASE_MS = 60_000;

type Outcome = 'crash' | 'hang' | 'wrong' | 'well';
type Answer = { readonly finding?: string | null } | 'ended' | 'silent';

/** One process with its own folder. */
class Cases {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mtad-fuzz-'));
  #child: ChildProcess | undefined;
  #said = '';

  constructor(readonly kind: string) {}

  async try(seed: number): Promise<{ outcome: Outcome; what: string }> {
    if (!this.#child) await this.#start();
    this.#said = '';
    let answer = await this.#answer(CASE_MS, () => this.#child!.send(seed));
    if (answer === 'silent') {
      this.#end();
      await this.#start();
      answer = await this.#answer(2 * CASE_MS, () => this.#child!.send(seed));
    }
    if (typeof answer === 'object')
      return { outcome: answer.finding ? 'wrong' : 'well', what: answer.finding ?? '' };
    this.#end();
    return { outcome: answer === 'ended' ? 'crash' : 'hang', what: this.#said.slice(-1000) };
  }

  close(): void {
    this.#end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    this.#child = fork(CHILD, [this.kind], { cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.on('data', (text) => {
        this.#said = (this.#said + text).slice(-4000);
      });
    if (typeof (await this.#answer(START_MS, () => {})) === 'string')
      throw new Error(`The process for ${this.kind} does not start: ${this.#said}`);
  }

  #answer(ms: number, ask: () => void): Promise<Answer> {
    const child = this.#child!;
    return new Promise((resolve) => {
      const timer = setTimeout(() => done('silent'), ms);
      const done = (answer: Answer) => {
        clearTimeout(timer);
        child.removeAllListeners('message').removeAllListeners('exit');
        resolve(answer);
      };
      child.once('message', (message) => done(message as Answer));
      child.once('exit', () => done('ended'));
      ask();
    });
  }

  #end(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      kinds: { type: 'string', default: [...KINDS.keys()].join() },
      cases: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: '0' },
    },
  });
  const [cases, seconds] = [positive('cases', values.cases), positive('seconds', values.seconds)];
  for (const kind of values.kinds.split(',')) {
    if (!KINDS.has(kind))
      throw new RangeError(`--kinds ${kind} is not one of ${[...KINDS.keys()].join(', ')}`);
    const counts = { well: 0, crash: 0, hang: 0, wrong: 0 };
    const process_ = new Cases(kind);
    const end = Date.now() + 1000 * seconds;
    let number = Number(values.from);
    try {
      for (let left = cases; left > 0 && Date.now() < end; left--, number++) {
        const { outcome, what } = await process_.try(Number(values.seed) * 1_000_003 + number);
        counts[outcome]++;
        if (outcome !== 'well') process.stdout.write(`${kind} ${number} ${outcome}: ${what.trim()}\n`);
      }
    } finally {
      process_.close();
    }
    const tried = counts.well + counts.crash + counts.hang + counts.wrong;
    process.stdout.write(
      `${kind}: ${tried} cases, ${counts.crash} crashes, ${counts.hang} hangs, ${counts.wrong} stack traces or worse; next --from ${number}\n`,
    );
    if (tried > counts.well) process.exitCode = 1;
  }
});
