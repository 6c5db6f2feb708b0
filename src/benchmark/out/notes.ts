import { mean, standardDeviation } from 'simple-statistics';
import { PLAIN } from '../../strategies/index.js';
import type { BenchmarkReport, Conditions, ModelFacts } from '../report.js';
import { digits } from './columns.js';

/** What belongs under every table: conditions, machine, models and what they are not, and what is missing. */
export function notes(report: BenchmarkReport): string[] {
  const { conditions: c, machine, versions, models, energy, complete, generations } = report;
  const { target, draft } = models;
  return [
    ...(complete ? [] : [`INCOMPLETE: the run ended early; ${generations.length} generations are in it`]),
    ...[target, draft].flatMap((model) => (model?.caveat ? [`${model.file}: ${model.caveat}`] : [])),
    `Target ${modelText(target)}, draft ${draft ? modelText(draft) : 'none'}`,
    `${c.used} prompt${c.used === 1 ? '' : 's'} (${c.prompts}) x ${c.repetitions}, ${c.chatTemplate === null ? '' : `chat template ${c.chatTemplate}, `}at most ${c.maxTokens} tokens${c.ignoreEos ? ', ends ignored' : ''}; ` +
      `temperature ${c.temperature}, top-k ${c.topK}, top-p ${c.topP}, seed ${c.seed}`,
    ...(c.skipped.length > 0
      ? [`${c.skipped.length} prompt${c.skipped.length === 1 ? '' : 's'} skipped: ${skippedText(c.skipped)}`]
      : []),
    `${machine.cpu}, ${machine.processors} processors, ${machine.memoryGb} GB, ${machine.system}; ${[machine.backend, ...machine.gpus].join(', ')}, ` +
      `${runText(c)}; mtad ${versions.mtad}, node-llama-cpp ${versions.nodeLlamaCpp}, ` +
      `llama.cpp ${versions.llamaCpp}, Node ${versions.node}`,
    ...noiseText(generations),
    ...passText(report.passes),
    energyText(energy),
  ];
}

/** How the models ran, as far as it was asked for. */
function runText(c: Conditions): string {
  const layers = (count: number) => `${count} layer${count === 1 ? '' : 's'}`;
  return [
    c.threads === null ? 'threads by model and device' : `${c.threads} thread${c.threads === 1 ? '' : 's'}`,
    ...(c.draftThreads === null ? [] : [`${c.draftThreads} for the draft model`]),
    ...(c.gpuLayers === null ? [] : [`${layers(c.gpuLayers)} of the target on the GPU`]),
    ...(c.draftGpuLayers === null ? [] : [`${layers(c.draftGpuLayers)} of the draft model on the GPU`]),
    ...(c.contextSize === null ? [] : [`context of ${c.contextSize} tokens`]),
    ...(c.cacheType === null ? [] : [`KV cache ${c.cacheType}`]),
    ...(c.flashAttention === null ? [] : [`flash attention ${c.flashAttention ? 'on' : 'off'}`]),
  ].join(', ');
}

/** Plain texts all take the same time per token on a quiet machine, up to this part of it (standard deviation). */
const QUIET = 0.1;

/** A warning where the machine had other things to do. */
function noiseText(generations: BenchmarkReport['generations']): string[] {
  const plain = generations.filter((one) => one.contender === PLAIN.name && one.tokens.length > 1);
  if (plain.length < 3) return [];
  const msPerToken = plain.map(({ ms, tokens }) => ms.decode / tokens.length);
  const spread = standardDeviation(msPerToken) / mean(msPerToken);
  if (spread <= QUIET) return [];
  return [
    `NOISE: the time per token of ${PLAIN.name} varied by ${Math.round(100 * spread)} % from text to text; close other ` +
      'programs, or raise the repetitions',
  ];
}

/** Sizes of passes that are worth a word: single tokens, drafts of the usual lengths with the token before them, trees. */
const SIZES = [1, 2, 4, 5, 8, 9, 16, 17];

/** T(k) of the target on the first engine: what decides whether speculation can pay. */
function passText(passes: BenchmarkReport['passes']): string[] {
  const told = passes
    .filter(({ engine, model }) => model === 'target' && engine === passes[0]?.engine)
    .filter(({ tokens }) => SIZES.includes(tokens))
    .map(({ tokens, ms }) => `T(${tokens}) ${digits(ms)}`);
  return told.length === 0 ? [] : [`One bare pass of the target over k tokens, in ms: ${told.join(', ')}`];
}

/** @returns names and reasons of the first few */
function skippedText(skipped: BenchmarkReport['conditions']['skipped']): string {
  const first = skipped.slice(0, 3).map(({ id, reason }) => `${id} (${reason})`);
  return [...first, ...(skipped.length > first.length ? ['...'] : [])].join(', ');
}

function modelText({ file, bytes }: ModelFacts): string {
  return `${file} (${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB)`;
}

function energyText({ source, reason, idleWatts }: BenchmarkReport['energy']): string {
  if (source === null) return `Energy: not available. ${reason}`;
  const idle = idleWatts === null ? 'idle power unknown' : `idle ${idleWatts.toFixed(1)} W, subtracted`;
  return `Energy: ${source}, ${idle}${reason ? `. ${reason}` : ''}`;
}
