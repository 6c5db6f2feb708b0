import type { Inspection, InspectOptions } from '../../models/inspect.js';
import { attended } from '../attended.js';
import { EXIT } from '../failures.js';
import { draftFile, type RuntimeFlags } from '../options.js';
import { colorsFor } from '../render/colors.js';
import { downloadReports } from '../render/downloads.js';
import { inspectionJson } from '../render/inspection-json.js';
import { inspectionText } from '../render/inspection-text.js';
import { jsonLine } from '../render/json.js';
import { Sink } from '../render/sink.js';

/** What Commander makes of the options. Undefined = not given. */
export interface InspectFlags
  extends Pick<RuntimeFlags, 'model' | 'draft' | 'modelsDir' | 'ctxSize' | 'cacheType' | 'gpu'> {
  offline?: boolean;
  draftLength: number;
  beamWidth: number;
  json?: boolean;
  color: 'auto' | 'always' | 'never';
}

/** Characters of a line where no terminal says how many it has. */
const WIDTH = 80;

/**
 * `mtad inspect`: what is to be known before a model is run.
 * @param names target and draft in words, beside which no other models count
 * @returns the exit code: of models that do not run or do not match, that which running them would end with
 */
export async function runInspect(
  names: readonly (string | undefined)[],
  flags: InspectFlags,
): Promise<number> {
  const models = modelsOf(names, flags);
  return attended({}, async ({ signal }, progress) => {
    progress.loading('Reading headers');
    const { inspect } = await import('../../models/inspect.js');
    const { onNotice } = downloadReports({}, progress);
    const inspection = await inspect({ ...models, ...optionsOf(flags), signal, onNotice });
    progress.stop();
    const colors = colorsFor(flags.color, process.stdout.isTTY);
    const sink = new Sink(undefined, () => {});
    await sink.write(
      flags.json
        ? jsonLine(inspectionJson(inspection))
        : inspectionText(inspection, colors, process.stdout.columns || WIDTH),
    );
    sink.check();
    return exitCodeFor(inspection);
  });
}

function modelsOf(
  [target, draft]: readonly (string | undefined)[],
  flags: InspectFlags,
): Pick<InspectOptions, 'model' | 'draft'> {
  const named = target === undefined ? flags : { model: target, draft };
  return { model: named.model, draft: draftFile(named) };
}

function optionsOf(flags: InspectFlags): Omit<InspectOptions, 'model' | 'draft' | 'signal'> {
  const { modelsDir, offline, ctxSize, cacheType, draftLength, beamWidth, gpu } = flags;
  return { modelsDir, offline, contextSize: ctxSize, cacheType, draftLength, beamWidth, gpu };
}

function exitCodeFor({ target, draft, pair }: Inspection): number {
  if (target.refusal !== undefined || draft?.refusal !== undefined) return EXIT.modelFile;
  return pair?.difference === undefined ? EXIT.ok : EXIT.pair;
}
