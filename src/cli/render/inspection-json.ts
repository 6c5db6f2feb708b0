import snakecaseKeys from 'snakecase-keys';
import type { Inspection } from '../../models/inspect.js';
import { VERSION } from '../../version.js';
import type { KeptFacts } from '../kept-facts.js';

/** Returns the object of `mtad inspect --json`. Null: not known, or it does not apply. */
export function inspectionJson(inspection: Inspection, { profile, costs }: KeptFacts): object {
  const { versions, ...machine } = inspection.machine;
  const whole = {
    schema: 1,
    ...inspection,
    pair: inspection.pair && { matches: inspection.pair.difference === undefined, ...inspection.pair },
    profile,
    costs,
    machine,
    versions: { mtad: VERSION, node: process.versions.node, ...versions },
  };
  return snakecaseKeys(JSON.parse(JSON.stringify(whole, (_, value) => value ?? null)), { deep: true });
}
