import { type ChildProcess, fork } from 'node:child_process';
import { setImmediate as afterMessages, setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pLimit from 'p-limit';

/** A template in Jinja, its variables and its bounds. */
export interface RenderJob {
  readonly template: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** The most characters of the text. */
  readonly maxLength: number;
  readonly timeMs: number;
}

/** The text, or the reason why there is none. */
export type Rendering = { readonly text: string } | Refusal;

interface Refusal {
  readonly reason: string;
  /** Whether the template exceeded a bound. It would do so again. */
  readonly isBound?: boolean;
}

/** A template cannot be rendered. The message gives the reason in a few words. */
export class TemplateError extends Error {
  readonly isBound: boolean;

  constructor({ reason, isBound = false }: Refusal) {
    super(reason);
    this.isBound = isBound;
  }
}

const PROGRAM = new URL('../../dist/templates/render-process.js', import.meta.url); // built, also for tests

/** Bounds. Real templates have less than 20 KB and take milliseconds. */
const MAX_TEMPLATE = 2 ** 20; // characters
const MAX_ADDED = 2 ** 20; // characters that a template may add to what it is told
const MAX_COPIES = 4; // times that it may repeat it
const TIME_MS = 3000;
const TIME_MS_PER_MIB = 2000; // for long conversations
const HEAP_MIB = 512;

/** Extra time, for the start of the process and for work that it cannot interrupt itself. */
const PATIENCE_MS = 7000;

const oneAtATime = pLimit(1);
let kept: ChildProcess | undefined; // it takes longer to start than to render

/**
 * Renders a chat template by @huggingface/jinja, with bounds on time, memory and length.
 * @throws TemplateError
 */
export function render(template: string, variables: Readonly<Record<string, unknown>>): Promise<string> {
  return oneAtATime(async () => {
    if (template.length > MAX_TEMPLATE)
      throw new TemplateError({ reason: `it has ${template.length} characters, more than ${MAX_TEMPLATE}` });
    const told = JSON.stringify(variables).length;
    const timeMs = Math.round(TIME_MS + (TIME_MS_PER_MIB * told) / 2 ** 20);
    const rendering = await inProcess({
      template,
      variables,
      maxLength: MAX_ADDED + MAX_COPIES * told,
      timeMs,
    });
    if ('text' in rendering) return rendering.text;
    throw new TemplateError(rendering);
  });
}

/** Ends a process that does not answer; the next job gets another. */
async function inProcess(job: RenderJob): Promise<Rendering> {
  kept ??= newProcess();
  const child = kept;
  const answered = new AbortController();
  const rendering = await new Promise<Rendering>((resolve) => {
    const lost = (reason: string) => resolve({ reason, isBound: true });
    child.once('message', (message) => resolve(message as Rendering));
    child.once('exit', () =>
      lost(`it ends the process that renders it, which has ${HEAP_MIB} MiB of memory`),
    );
    child.once('error', ({ message }) => lost(message));
    sleep(job.timeMs + PATIENCE_MS, undefined, { signal: answered.signal })
      .then(() => afterMessages()) // an answer may be there that this process was too busy to read
      .then(
        () => lost(`it does not come to an end within ${job.timeMs} ms`),
        () => {},
      );
    child.send(job, (error) => error && lost(error.message));
  });
  answered.abort();
  for (const event of ['message', 'exit', 'error']) child.removeAllListeners(event);
  child.on('error', () => {}); // of an end that nobody waits for
  if ('isBound' in rendering || child.exitCode !== null || child.signalCode !== null) discard(child);
  return rendering;
}

function newProcess(): ChildProcess {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = fork(fileURLToPath(PROGRAM), {
    execArgv: [`--max-old-space-size=${HEAP_MIB}`],
    env,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  child.unref(); // it ends with this process, which does not wait for it
  child.channel?.unref();
  return child;
}

function discard(child: ChildProcess): void {
  if (kept === child) kept = undefined;
  child.kill('SIGKILL');
}
