import type { SettingsInput } from '../generation/settings.js';
import { definitionOf } from '../strategies/index.js';

/** 'mtad k=4 w=4 tau=0.5', after the options of the command line. */
export function nameOf({
  strategy,
  draftLength,
  beamWidth,
  threshold,
  clip,
  draftFrom,
}: SettingsInput): string {
  return [
    strategy && definitionOf(strategy).name,
    draftLength && `k=${draftLength}`,
    beamWidth && `w=${beamWidth}`,
    threshold && `tau=${threshold}`,
    clip && 'clip',
    draftFrom === 'lookup' && 'lookup',
  ]
    .filter(Boolean)
    .join(' ');
}

/** The strategy in a contender's name; of a baseline or a peer, its first word. */
export function strategyOf({ name }: { readonly name: string }): string {
  return name.split(' ')[0]!;
}

/** The draft length in a contender's name, if any. */
export function gammaOf({ name }: { readonly name: string }): number | undefined {
  const word = name.split(' ').find((one) => one.startsWith('k='));
  return word === undefined ? undefined : Number(word.slice(2));
}
