import { Worker } from 'node:worker_threads';
import pLimit from 'p-limit';

/** A template in Jinja, and what it is told. */
export interface RenderJob {
  readonly template: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly maxLength: number; // characters of the text that comes out
}

/** The text, or why there is none. */
export type Rendering = { readonly text: string } | Refusal;

interface Refusal {
  readonly reason: string;
  readonly isBound?: boolean; // whether it asked for too much, and would again
}

/** Why a template cannot be rendered, in a few words. */
export class TemplateError extends Error {
  readonly isBound: boolean;

  constructor({ reason, isBound = false }: Refusal) {
    super(reason);
    this.isBound = isBound;
  }
}

const WORKER = new URL('../../dist/templates/render-worker.js', import.meta.url); // built, also for tests

/** Real templates are below 20 KB and take milliseconds. */
const MAX_TEMPLATE = 2 ** 20; // characters
const MAX_ADDED = 2 ** 20; // characters that a template may add to what it is told
const MAX_COPIES = 4; // times that it may repeat it
const TIME_MS = 3000;
const TIME_MS_PER_MIB = 2000; // for long conversations
const HEAP_MIB = 512;

const oneAtATime = pLimit(1);
let worker: Worker | undefined; // kept: it takes longer to start than to render

/**
 * Renders a chat template as @huggingface/jinja does, bounded in time, memory and size.
 * @throws TemplateError
 */
export function render(template: string, variables: Readonly<Record<string, unknown>>): Promise<string> {
  return oneAtATime(async () => {
    if (template.length > MAX_TEMPLATE)
      throw new TemplateError({ reason: `it has ${template.length} characters, more than ${MAX_TEMPLATE}` });
    const told = JSON.stringify(variables).length;
    const job = { template, variables, maxLength: MAX_ADDED + MAX_COPIES * told };
    const rendering = await inThread(job, TIME_MS + (TIME_MS_PER_MIB * told) / 2 ** 20);
    if ('text' in rendering) return rendering.text;
    throw new TemplateError(rendering);
  });
}

/** Ends a thread that does not answer in time; the next job gets another. */
async function inThread(job: RenderJob, timeMs: number): Promise<Rendering> {
  worker ??= newWorker();
  const thread = worker;
  const gone = new AbortController();
  const answer = new Promise<Rendering>((resolve) => {
    const fail = (reason: string) => {
      if (worker === thread) worker = undefined;
      resolve({ reason, isBound: true });
    };
    const timer = setTimeout(
      () => fail(`it does not come to an end within ${Math.round(timeMs)} ms`),
      timeMs,
    );
    gone.signal.addEventListener('abort', () => clearTimeout(timer));
    thread.once('message', resolve);
    thread.once('error', (error: NodeJS.ErrnoException) => fail(reasonOf(error)));
    thread.once('exit', () => fail('its thread ended'));
  });
  thread.postMessage(job);
  const rendering = await answer;
  gone.abort();
  for (const event of ['message', 'error', 'exit']) thread.removeAllListeners(event); // and not the worker's own
  if (worker !== thread) await thread.terminate();
  return rendering;
}

function newWorker(): Worker {
  const thread = new Worker(WORKER, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB }, execArgv: [] });
  thread.unref(); // nothing waits for it that has ended
  return thread;
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  return code === 'ERR_WORKER_OUT_OF_MEMORY' ? `it takes more than ${HEAP_MIB} MiB of memory` : message;
}
