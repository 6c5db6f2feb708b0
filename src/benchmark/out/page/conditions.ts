import type { BenchmarkReport, Conditions, EnergySource, ModelFacts, PassCost } from '../../report.js';
import { digits } from '../columns.js';
import { definitions, numberTable } from './blocks.js';
import { type Html, html } from './html.js';

/** Under what conditions the figures hold. */
export function conditions(report: BenchmarkReport): Html {
  const { machine, versions, models, energy, passes } = report;
  const groups: [string, Html][] = [
    ['Generation', generation(report.conditions)],
    [
      'Machine',
      definitions([
        ['processor', machine.cpu],
        ['processors', `${machine.processors} in use`],
        ['memory', `${digits(machine.memoryGb)} GB`],
        ['system', machine.system],
        ['backend', machine.backend],
        ['GPUs', machine.gpus.length > 0 ? machine.gpus.join(', ') : 'none'],
      ]),
    ],
    [
      'Models',
      definitions([
        ['target', modelText(models.target)],
        ['draft', models.draft ? modelText(models.draft) : 'none'],
      ]),
    ],
    [
      'Versions',
      definitions([
        ['mtad', versions.mtad],
        ['node', versions.node],
        ['node-llama-cpp', versions.nodeLlamaCpp],
        ['llama.cpp', versions.llamaCpp],
      ]),
    ],
    ['Energy', energyText(energy)],
  ];
  return html`<section>
<h2>Conditions</h2>
<div class="groups">${groups.map(([title, body]) => html`<div><h3>${title}</h3>${body}</div>`)}</div>
${passes.length > 0 ? passTable(passes) : null}
</section>`;
}

function generation(all: Conditions): Html {
  const skipped = all.skipped.map(({ id, reason }) => html`<li>${id}: ${reason}</li>`);
  return definitions([
    ['prompts', `${all.used} from ${all.prompts}`],
    ['skipped', skipped.length > 0 ? html`<ul>${skipped}</ul>` : 'none'],
    ['chat template', all.chatTemplate ?? 'none'],
    ['control tokens in prompts', all.special ? 'by name' : null],
    ['repetitions', all.repetitions],
    ['tokens', `${all.maxTokens} at most${all.ignoreEos ? ', the end token ignored' : ''}`],
    ['temperature', all.temperature],
    ['top-k', all.topK],
    ['top-p', all.topP],
    ['first seed', all.seed],
    ['threads', all.threads ?? 'chosen by the engine'],
    ['threads of the draft model', all.draftThreads],
    ['layers of the target on the GPU', all.gpuLayers],
    ['layers of the draft model on the GPU', all.draftGpuLayers],
    ['context', all.contextSize],
    ['KV cache', all.cacheType],
    ['flash attention', all.flashAttention === null ? null : all.flashAttention ? 'on' : 'off'],
  ]);
}

function modelText({ file, bytes, architecture }: ModelFacts): string {
  const [size, unit] = bytes >= 1e9 ? [bytes / 1e9, 'GB'] : [bytes / 1e6, 'MB'];
  return `${file}, ${architecture}, ${digits(size)} ${unit}`;
}

function energyText({ source, reason, idleWatts }: EnergySource): Html {
  return definitions([
    ['measured by', source ?? 'nothing'],
    ['because', reason],
    ['idle power', idleWatts === null ? null : `${digits(idleWatts)} W`],
  ]);
}

/** T(k), a column for each model on each engine. */
function passTable(passes: readonly PassCost[]): Html {
  const columnOf = ({ model, engine }: PassCost) => `${model}, ${engine}`;
  const columns = [...new Set(passes.map(columnOf))];
  const sizes = [...new Set(passes.map(({ tokens }) => tokens))].sort((a, b) => a - b);
  const cell = (size: number, column: string) => {
    const pass = passes.find((one) => one.tokens === size && columnOf(one) === column);
    return pass ? digits(pass.ms) : '-';
  };
  return html`<details>
<summary>What a bare pass costs</summary>
<p class="small">T(k): milliseconds of one pass of k tokens, all of them read; means.</p>
${numberTable(
  'T(k)',
  ['k', ...columns],
  sizes.map((size) => [`${size}`, ...columns.map((column) => cell(size, column))]),
)}
</details>`;
}
