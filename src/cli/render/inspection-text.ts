import type { ChalkInstance } from 'chalk';
import { bytesText } from '../../models/bytes-text.js';
import type { ModelFacts } from '../../models/facts.js';
import type { InspectedModel, Inspection } from '../../models/inspect.js';
import { oneLine } from '../../one-line.js';
import { folded, plainTable } from './plain-table.js';

type States = NonNullable<InspectedModel['memory']>['states'];
type Fact = (model: InspectedModel) => string | undefined;

/** The lines of the table. A line that is empty for all models is left out. */
const FACTS: Record<string, Fact> = {
  file: ({ facts }) => (facts.remote ? facts.source : facts.source.split(/[\\/]/).at(-1)),
  name: ({ facts }) => facts.name,
  licence: ({ facts }) => facts.license,
  architecture: ({ facts }) => facts.architecture,
  parameters: ({ facts }) => parametersText(facts.parameters),
  quantisation: ({ facts }) => facts.quantization,
  size: ({ facts: { bytes, parts } }) =>
    (bytes === undefined ? 'not told' : bytesText(bytes)) + (parts > 1 ? ` in ${parts} parts` : ''),
  'trained context': ({ facts: { trainContextSize } }) =>
    trainContextSize === undefined ? undefined : `${trainContextSize} tokens`,
  layers: ({ facts }) => layersText(facts),
  'drafting head': ({ facts }) => headText(facts.head),
  vocabulary: ({ facts: { vocabularySize, vocabularyKind } }) =>
    vocabularySize === 0 ? 'none' : `${vocabularySize} tokens${vocabularyKind ? `, ${vocabularyKind}` : ''}`,
  BOS: ({ facts }) => tokenText(facts.bos),
  EOS: ({ facts }) => tokenText(facts.eos),
  EOT: ({ facts }) => tokenText(facts.eot),
  'chat template': ({ facts }) => templateText(facts.chatTemplate),
  weights: ({ memory }) => memory && bytesText(memory.weights.ram + memory.weights.vram),
  'context memory': ({ memory }) => memory && bytesText(memory.context.ram + memory.context.vram),
  'of these states': ({ memory }) => statesText(memory?.states),
  'takes back': ({ memory }) => rollbackText(memory?.states),
  "head's memory": ({ headMemory }) => headMemory && bytesText(headMemory.ram + headMemory.vram),
  'layers on GPU': ({ memory }) => (memory?.gpuLayers ? `${memory.gpuLayers}` : undefined),
};

/**
 * Returns the findings, for people.
 * @param known lines of what mtad has kept of the models
 * @param width of the terminal in characters
 */
export function inspectionText(
  inspection: Inspection,
  known: readonly string[],
  colors: ChalkInstance,
  width: number,
): string {
  const { target, draft } = inspection;
  const models = draft ? [target, draft] : [target];
  const labels = Math.max(...Object.keys(FACTS).map((label) => label.length));
  const cell = Math.max(10, Math.floor((width - labels) / models.length) - 2);
  const rows = Object.entries(FACTS)
    .map(([label, fact]) => [label, ...models.map((model) => oneLine(fact(model) ?? ''))])
    .filter(([, ...cells]) => cells.some((text) => text !== ''));
  const columns = [
    { head: '', align: 'left' as const, width: labels },
    ...models.map((_, i) => ({ head: i === 0 ? 'target' : 'draft', align: 'left' as const, width: cell })),
  ];
  const kept = known.map((text): Finding => ({ text }));
  const findings = [...findingsOf(inspection), ...kept].map(({ text, color }) => {
    const lines = folded(oneLine(text), width);
    return color ? colors[color](lines) : lines;
  });
  return `${plainTable(columns, rows, colors)}\n\n${findings.join('\n')}\n`;
}

interface Finding {
  readonly text: string;
  /** Marks what needs attention. */
  readonly color?: 'red' | 'yellow';
}

/** The sentences below the table. Findings that prevent a run come first. */
function findingsOf({ target, draft, pair, memory, contextSize, machine }: Inspection): Finding[] {
  const { ram, vram, gpus } = machine.memory;
  const refusals = [target.refusal, draft?.refusal].filter((refusal) => refusal !== undefined);
  const caveats = [target.facts.caveat, draft?.facts.caveat].filter((caveat) => caveat !== undefined);
  return [
    ...refusals.map((text): Finding => ({ text, color: 'red' })),
    ...(pair?.difference === undefined ? [] : [{ text: pair.difference, color: 'red' as const }]),
    ...(pair && pair.difference === undefined
      ? [{ text: `They make a pair: ${pair.sharedTokens} token ids mean the same to both.` }]
      : []),
    ...(pair?.notes ?? []).map((text): Finding => ({ text: `${text}.`, color: 'yellow' })),
    ...(memory
      ? [
          {
            text: `Memory for ${contextSize} tokens of context: about ${bytesText(memory.ram)} of ${bytesText(ram.total)} RAM${
              vram.total > 0 ? `, ${bytesText(memory.vram)} of ${bytesText(vram.total)} VRAM` : ''
            }${memory.fits ? '.' : ': more than there is. Use a smaller -c, another --cache-type, or smaller models.'}`,
            ...(memory.fits ? {} : { color: 'yellow' as const }),
          },
        ]
      : []),
    { text: `Engine: ${machine.engine}, on ${machine.backend}, llama.cpp ${machine.versions.llama_cpp}.` },
    ...Object.entries({ 'The direct engine': machine.notDirect, CUDA: machine.notCuda }).flatMap(
      ([what, why]): Finding[] =>
        why === undefined ? [] : [{ text: `${what} does not work here: ${why}.`, color: 'yellow' }],
    ),
    ...(target.facts.chatTemplate?.problem === undefined
      ? []
      : [{ text: target.facts.chatTemplate.problem, color: 'yellow' as const }]),
    ...[target, draft].flatMap((model): Finding[] =>
      model?.facts.head?.problem === undefined
        ? []
        : [{ text: `${model.facts.head.problem}.`, color: 'yellow' }],
    ),
    ...caveats.map((text) => ({ text })),
    { text: gpus.length > 0 ? `GPU: ${gpus.join(', ')}.` : 'No GPU is seen.' },
  ];
}

function templateText(template: InspectedModel['facts']['chatTemplate']): string {
  if (!template) return 'none';
  if (template.problem !== undefined) return 'yes, but it cannot be rendered';
  const reasons = {
    always: 'reasons first',
    switch: 'reasons first, unless --think off',
    itself: 'may reason first',
    no: undefined,
  }[template.reasons];
  return ['yes', reasons, template.takesSystem ? undefined : 'no system text']
    .filter((part) => part !== undefined)
    .join(', ');
}

function layersText({ layers, layerKinds, slidingWindow }: InspectedModel['facts']): string {
  const { attention, recurrent, drafting } = layerKinds;
  const isPlain = recurrent === 0 && drafting === 0;
  const kinds = Object.entries({ attention, recurrent, 'only drafting': drafting }).filter(([, n]) => n > 0);
  const kind = isPlain ? undefined : kinds.map(([name, n]) => `${n} ${name}`).join(', ');
  const window = slidingWindow === undefined ? undefined : `sliding window of ${slidingWindow} tokens`;
  const all = [`${layers ?? '?'}`, kind].filter((part) => part !== undefined).join(': ');
  return [all, window].filter((part) => part !== undefined).join(', ');
}

function statesText(states: States): string | undefined {
  return states && `${bytesText(states.ram + states.vram)}, ${states.count} states`;
}

function rollbackText(states: States): string | undefined {
  if (!states) return undefined;
  return states.rollback > 0 ? `${states.rollback} guesses of a pass` : 'none: drafts go on in copies';
}

function tokenText(token: InspectedModel['facts']['bos']): string {
  return token ? `${token.id}${token.text === undefined ? '' : ` ${token.text}`}` : 'none';
}

function parametersText(parameters: number): string {
  const [size, unit] = parameters >= 1e9 ? [1e9, ' B'] : parameters >= 1e6 ? [1e6, ' M'] : [1e3, ' k'];
  return `${(parameters / size).toPrecision(3)}${unit}`;
}

function headText(head: ModelFacts['head']): string | undefined {
  if (!head) return undefined;
  if (head.problem !== undefined) return 'yes, but unusable';
  return head.layers > 1 ? `yes, a chain of ${head.layers}` : 'yes';
}
