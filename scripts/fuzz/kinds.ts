import { words } from './arguments.js';
import { conversation } from './conversation.js';
import { corpus } from './corpus.js';
import { gguf } from './gguf.js';
import { grammar } from './grammar.js';
import type { Kind } from './kind.js';
import { prompt } from './prompt.js';
import { request } from './request.js';
import { schema } from './schema.js';
import { settings } from './settings.js';
import { template } from './template.js';
import { trace } from './trace.js';

/** What is tried, by the names of `--kinds`. */
export const KINDS: ReadonlyMap<string, Kind> = new Map(
  Object.entries({
    gguf,
    grammar,
    schema,
    template,
    trace,
    prompt,
    conversation,
    settings,
    corpus,
    request,
    arguments: words,
  }),
);
