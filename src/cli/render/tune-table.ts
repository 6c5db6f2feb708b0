import type { ChalkInstance } from 'chalk';
import snakecaseKeys from 'snakecase-keys';
import { estimateText } from '../../benchmark/out/columns.js';
import type { Estimate } from '../../math/bootstrap.js';
import { PLAIN } from '../../strategies/index.js';
import { label } from '../../tune/advice.js';
import { ofModel } from '../../tune/candidate.js';
import type { Figures } from '../../tune/figures.js';
import type { PlacementTried, TuneReport } from '../../tune/report.js';
import { spelled } from '../settings/names.js';
import { folded, plainTable } from './plain-table.js';

/** Returns the JSON of `mtad tune`. @param profile path of the saved profile; null = not saved */
export function tuneJson(report: TuneReport, profile: string | null): string {
  const object = snakecaseKeys({ ...report } as Record<string, unknown>, { deep: true });
  return `${JSON.stringify({ ...object, profile }, null, 2)}\n`;
}

const COLUMNS = [
  { head: 'setting', align: 'left' },
  { head: '', align: 'left' },
  { head: 'speed-up', align: 'right' },
  { head: 'perplexity', align: 'right' },
  { head: 'distinct-2', align: 'right' },
  { head: 'repeated 4-grams', align: 'right' },
] as const;

/**
 * Returns the settings that were tried, and the recommendation, for people.
 * @param profile path of the saved profile; null = not saved
 * @param width of the terminal; undefined: no limit
 */
export function tuneTable(
  report: TuneReport,
  profile: string | null,
  colors: ChalkInstance,
  width: number | undefined,
): string {
  const { plain, tried, candidates, conditions, placements, recommendation } = report;
  const rows = [
    [PLAIN.name, 'measured', ...cells({ ...plain, speedUp: { value: 1, low: null, high: null } })],
    ...tried.flatMap((one) => [
      ...(one.foretold ? [[label(one), 'foretold', ...cells(one.foretold)]] : []),
      [one.foretold ? '' : label(one), 'measured', ...cells(one.measured)],
    ]),
  ];
  const { prompts, skipped, maxTokens } = conditions;
  const left = skipped > 0 ? `, ${skipped} too long for the context` : '';
  const notes = [
    `${candidates.length} settings replayed on ${prompts} prompts${left} of up to ${maxTokens} tokens; in brackets 95 % intervals over prompts.`,
    'Foretold: by recorded drafts, what passes cost and what the recordings took. Measured: run in turn with autoregressive.',
    ...(placements.length > 0
      ? [
          `Milliseconds of a pass over 1 and over 5 tokens, and of 4 guesses: ${placements.map(placementText).join('; ')}.`,
        ]
      : []),
  ];
  return [
    plainTable(COLUMNS, rows, colors),
    '',
    ...notes.map((line) => colors.dim(folded(line, width))),
    '',
    colors.bold(folded(recommendation, width)),
    ...lastLines(report, profile),
    '',
  ].join('\n');
}

/** The lines that say how to use the result. */
function lastLines({ recommended, places }: TuneReport, profile: string | null): string[] {
  if (profile !== null) return [`Saved as ${profile}`];
  const placement = recommended ? places.drafting : places.plain;
  const settings = Object.entries({
    ...(recommended ? ofModel(recommended) : { strategy: PLAIN.name }),
    ...placement,
  });
  const flags = settings.map(([name, value]) => `--${spelled(name)} ${value}`);
  return [`As options: ${flags.join(' ')} (--save keeps them for these models)`];
}

function placementText({ placement, plainMs, verifyMs, draftMs }: PlacementTried): string {
  const { threads, draftGpuLayers } = placement;
  const where = [
    threads === undefined ? [] : `${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    draftGpuLayers === 0 ? 'draft model on the processor' : [],
  ].flat();
  const ms = [plainMs, verifyMs, draftMs].map((value) => value.toPrecision(3));
  return `${where.length > 0 ? where.join(', ') : 'as it is'} ${ms.join(' / ')}`;
}

function cells({ speedUp, perplexity, distinct2, repeated4 }: Figures): string[] {
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  return [cell(speedUp), cell(perplexity), cell(distinct2), cell(repeated4, percent)];
}

function cell(estimate: Estimate | null, show?: (value: number) => string): string {
  return estimate ? estimateText(estimate, show) : '-';
}
