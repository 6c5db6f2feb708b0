import type { BenchmarkOptions } from '../benchmark/options.js';
import type { ServerAddress } from '../client/text-server.js';
import type { RunOptions } from '../generation/run-options.js';
import { SETTINGS } from '../generation/settings.js';
import type { PairOptions } from '../models/pair.js';
import type { ServerOptions } from '../serve/options.js';
import { spelled } from './settings/names.js';

/** What the library's messages name beside settings. */
const BESIDE: readonly (
  | keyof PairOptions
  | keyof RunOptions
  | keyof BenchmarkOptions
  | keyof ServerOptions
  | keyof ServerAddress
  | 'servedModel'
  | 'jsonSchema'
)[] = [
  'model',
  'draft',
  'targetUrl',
  'rpc',
  'rpcLibrary',
  'pair',
  'learn',
  'modelsDir',
  'offline',
  'raw',
  'engine',
  'gpu',
  'gpuLayers',
  'draftGpuLayers',
  'contextSize',
  'threads',
  'draftThreads',
  'cacheType',
  'flashAttention',
  'costs',
  'verifyCache',
  'host',
  'port',
  'apiKey',
  'parallel',
  'caches',
  'url',
  'servedModel',
  'jsonSchema',
  'profile',
];

/** Options that are called otherwise than what they set. */
const OTHERWISE: ReadonlyMap<string, string> = new Map([
  ['contextSize', '--ctx-size'],
  ['flashAttention', '--flash-attn'],
  ['draftFirst', '--draft'],
  ['draftFrom', '--draft'],
  ['draftTail', '--draft'],
  ['costs', '--profile'],
]);

/** The option for each name. */
export const FLAG_OF: ReadonlyMap<string, string> = new Map(
  [...Object.keys(SETTINGS), ...BESIDE].map((name) => [name, OTHERWISE.get(name) ?? `--${spelled(name)}`]),
);

/**
 * A message of the library, for people at a command line: it names settings between backquotes, as in `contextSize`, and
 * they know options, as in --ctx-size. What stands between double quotes is somebody else's text.
 */
export function inFlags(message: string): string {
  return message.replace(/"(?:[^"\\]|\\.)*"|`(\w+)((?:\.\w+)*)`/g, (all, name, path) => {
    const flag = FLAG_OF.get(name);
    return flag === undefined ? all : flag + path;
  });
}
