/**
 * A process in which chat templates are rendered. They come from files of strangers: a loop may never end, and a text may
 * take all memory, which ends its process.
 */
import { createContext, Script } from 'node:vm';
import { Template } from '@huggingface/jinja';
import { oneLine } from '../one-line.js';
import type { Rendering, RenderJob } from './render.js';

const KEPT = 8; // templates that stay parsed
const parsed = new Map<string, Template>();

const MAX_REASON = 200; // characters

/** Calls a function, and ends the call after a given time. */
const bounded = new Script('job()');

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {}); // Ctrl-C is for the parent, which ends this
process.on('disconnect', () => process.exit());
process.on('message', (job: RenderJob) => process.send!(rendered(job)));

function rendered({ template, variables, maxLength, timeMs }: RenderJob): Rendering {
  try {
    const context = createContext({ job: () => parsedOnce(template).render({ ...variables }) });
    const text: string = bounded.runInContext(context, { timeout: timeMs });
    if (text.length <= maxLength) return { text };
    return { reason: `it writes more than ${maxLength} characters`, isBound: true };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      return { reason: `it does not come to an end within ${timeMs} ms`, isBound: true };
    if (error instanceof RangeError && /call stack/.test(message))
      return { reason: 'it calls itself too often' };
    if (error instanceof TypeError) return { reason: 'it is no Jinja that can be read' };
    return { reason: oneLine(String(message), MAX_REASON) || 'it raises an error' };
  }
}

function parsedOnce(source: string): Template {
  const known = parsed.get(source);
  if (known) return known;
  const template = new Template(source);
  if (parsed.size >= KEPT) parsed.clear();
  parsed.set(source, template);
  return template;
}
