import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { basename } from 'node:path';
import type { ModelHeader } from '../models/header.js';
import type { Pair, PairFiles } from '../models/pair.js';
import { VERSION } from '../version.js';
import type { BenchmarkReport, ModelFacts } from './report.js';

export type Facts = Pick<BenchmarkReport, 'machine' | 'versions' | 'models'>;

/** What ran on what. */
export function factsOf(
  { target, draft, notes }: PairFiles,
  { engine }: Pair,
  gpus: readonly string[],
): Facts {
  return {
    machine: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      processors: availableParallelism(),
      memoryGb: Math.round(totalmem() / 1e9),
      system: `${type()} ${release()}`,
      backend: engine.backend,
      gpus,
    },
    versions: {
      mtad: VERSION,
      node: process.versions.node,
      nodeLlamaCpp: engine.versions.node_llama_cpp,
      llamaCpp: engine.versions.llama_cpp,
    },
    models: { target: modelFacts(target, []), draft: draft ? modelFacts(draft, notes) : null },
  };
}

function modelFacts(
  { path, bytes, architecture, caveat }: ModelHeader,
  notes: readonly string[], // on how it goes with the other
): ModelFacts {
  const caveats = [...(caveat === undefined ? [] : [caveat]), ...notes];
  return { file: basename(path), bytes, architecture, caveat: caveats.join('; ') || null };
}
