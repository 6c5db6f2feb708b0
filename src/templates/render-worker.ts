/**
 * A thread in which chat templates are rendered. They come out of strangers' files, and a loop in them may never end:
 * a thread can be ended.
 */
import { parentPort } from 'node:worker_threads';
import { Template } from '@huggingface/jinja';
import type { Rendering, RenderJob } from './render.js';

const KEPT = 8; // templates that stay parsed
const parsed = new Map<string, Template>();

parentPort!.on('message', (job: RenderJob) => parentPort!.postMessage(rendered(job)));

function rendered({ template, variables, maxLength }: RenderJob): Rendering {
  try {
    const text = parsedOnce(template).render({ ...variables });
    if (text.length <= maxLength) return { text };
    return { reason: `it writes more than ${maxLength} characters`, isBound: true };
  } catch (error) {
    if (error instanceof RangeError && /call stack/.test(error.message))
      return { reason: 'it calls itself too often' };
    return { reason: (error as Error).message.split('\n')[0]! };
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
