import { stringify } from 'csv-stringify/sync';
import { markdownTable } from 'markdown-table';
import snakecaseKeys from 'snakecase-keys';
import { UsageError } from '../../errors.js';
import { RECORDED_SETTINGS, type RecordedSetting } from '../../strategies/definition.js';
import { readTrace } from '../../trace/read-trace.js';
import type { Trace } from '../../trace/recorded.js';
import { REPLAY_CAVEAT, type Replay, type Reproduction, replayGrid, reproduces } from '../../trace/replay.js';
import { EXIT } from '../failures.js';
import type { Io } from '../io.js';
import { jsonLine } from '../render/json.js';
import { fits, folded, plainTable } from '../render/plain-table.js';
import { Sink } from '../render/sink.js';
import { spelled } from '../settings/names.js';
import type { BenchmarkFlags } from './flags.js';

/** @throws UsageError for auto, whose choice depends on text that was not written */
function lengthsOf({ draftLength }: BenchmarkFlags): readonly number[] | undefined {
  if (draftLength?.some((value) => value === 'auto'))
    throw new UsageError(
      '`draftLength` must be numbers in a replay, which cannot tell what auto would have chosen',
    );
  return draftLength as readonly number[] | undefined;
}

/** `mtad benchmark --replay`: shows what other settings would have accepted of recorded drafts. @returns the exit code */
export async function runReplay(io: Io, file: string, flags: BenchmarkFlags): Promise<number> {
  const trace = await readTrace(file, io);
  const { clip, threshold: thresholds } = flags;
  const draftLengths = lengthsOf(flags);
  const tooLong = draftLengths?.find((draftLength) => draftLength > trace.rule.draftLength);
  if (tooLong !== undefined)
    throw new UsageError(
      `--draft-length ${tooLong}: the drafts of ${trace.file} have ${trace.rule.draftLength} tokens, and what would have followed is not known`,
    );
  const rows = replayGrid(trace, { thresholds, draftLengths, clips: clip ? [false, true] : undefined });
  const own = reproduces(trace);
  const stdout = new Sink(io.stdout);
  await stdout.write(rendered(io, rows, own, trace, flags));
  stdout.check();
  const isSaid = flags.format !== 'md' && flags.format !== 'csv'; // the table and JSON contain it themselves
  if (!isSaid && !flags.quiet) {
    const lines = linesOf(own, trace).map((line) => folded(line, io.stderr.columns));
    io.stderr.write(`${lines.join('\n')}\n`);
  }
  const [first] = own.differences;
  if (!first) return EXIT.ok;
  io.say(
    `${trace.file}, line ${first.line}: ${first.recorded} tokens were accepted then, ${first.replayed} are now`,
  );
  return EXIT.failure;
}

type Column = readonly [head: string, cell: (row: Replay) => string];

const COLUMNS: readonly Column[] = [
  ...RECORDED_SETTINGS.map((name): Column => [inWords(name), (row) => shown(row[name])]),
  ['drafted', ({ drafted }) => String(drafted)],
  ['accepted', ({ accepted }) => String(accepted)],
  ['rate', ({ acceptanceRate: rate }) => rate?.toFixed(2) ?? '-'],
  [
    'by position',
    ({ acceptanceByPosition }) => acceptanceByPosition.map((rate) => rate?.toFixed(2) ?? '-').join(' '),
  ],
  ['per pass', ({ tokensPerPass }) => tokensPerPass.toFixed(2)],
  ['decided otherwise', ({ changedSteps, steps }) => `${changedSteps} of ${steps}`],
];

/** The head of the column of a setting. */
function inWords(name: RecordedSetting): string {
  return spelled(name).replaceAll('-', ' ');
}

function shown(value: number | boolean | string): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}

/** Columns that a narrow terminal leaves out, the first one first. */
const EXPENDABLE = ['by position', 'rate'];

function rendered(
  io: Io,
  rows: readonly Replay[],
  own: Reproduction,
  trace: Trace,
  { format, color }: BenchmarkFlags,
): string {
  const heads = COLUMNS.map(([head]) => head);
  const cells = rows.map((row) => COLUMNS.map(([, cell]) => cell(row)));
  const align = 'right' as const;
  switch (format) {
    case 'table': {
      const colors = io.colors(color, io.stdout);
      const width = io.stdout.columns;
      const draw = (columns: typeof COLUMNS) =>
        plainTable(
          columns.map(([head]) => ({ head, align })),
          rows.map((row) => columns.map(([, cell]) => cell(row))),
          colors,
        );
      const whole = draw(COLUMNS);
      const table = fits(whole, width) ? whole : draw(COLUMNS.filter(([head]) => !EXPENDABLE.includes(head)));
      const lines = linesOf(own, trace).map((line) => colors.dim(folded(line, width)));
      return `${table}\n\n${lines.join('\n')}\n`;
    }
    case 'md':
      return `${markdownTable([heads, ...cells], { align: heads.map(() => align) })}\n`;
    case 'csv':
      return stringify(rows.map(jsonOf), {
        header: true,
        cast: { boolean: String, object: (list) => Object.values(list).join(' ') },
      });
    case 'json':
      return `${JSON.stringify({ schema: 1, ...headOf(own, trace), rows: rows.map(jsonOf) }, null, 2)}\n`;
    case 'jsonl':
      return [{ type: 'start', schema: 1, ...headOf(own, trace) }, ...rows.map(jsonOf)]
        .map(jsonLine)
        .join('');
  }
}

function linesOf({ steps, asRecorded }: Reproduction, { strategy, rule, cutOff }: Trace): string[] {
  const settings = RECORDED_SETTINGS.filter((name) => rule[name] !== false).map((name) =>
    rule[name] === true ? inWords(name) : `${inWords(name)} ${rule[name]}`,
  );
  return [
    `${[strategy, ...settings].join(', ')}: ${asRecorded} of ${steps} steps decided as recorded`,
    ...(cutOff === null ? [] : [`The trace ends in the middle of line ${cutOff}, which is left out`]),
    REPLAY_CAVEAT,
  ];
}

function headOf({ steps, asRecorded }: Reproduction, { strategy, rule, cutOff }: Trace): object {
  return {
    strategy,
    ...jsonOf(rule),
    steps,
    as_recorded: asRecorded,
    cut_off_line: cutOff,
    caveat: REPLAY_CAVEAT,
  };
}

function jsonOf(row: Replay | Trace['rule']): object {
  return snakecaseKeys({ ...row }, { deep: false });
}
