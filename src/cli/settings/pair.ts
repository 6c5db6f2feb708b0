import { UsageError } from '../../errors.js';
import { type KnownPair, knownPair } from '../../models/known-pairs.js';
import { draftFile } from '../model-options.js';
import { spelled } from './names.js';
import type { Given, Layer } from './values.js';

/**
 * Puts what a pair stands for in the place where the pair was said: both models there, its settings below all else.
 * A model that is said in a stronger place is another target, so nothing of the pair holds.
 * @param layers strongest first
 * @param below what is below these layers and above what suits the pair
 * @throws UsageError for a pair that is not known, and for one beside a model in the same place
 */
export async function withPair(
  layers: readonly Layer[],
  below: (layers: readonly Layer[]) => Promise<readonly Layer[]>,
): Promise<readonly Layer[]> {
  const at = layers.findIndex(({ given }) => given.has('pair') || given.has('model'));
  const layer = layers[at];
  const name = layer?.given.get('pair');
  if (!layer || name === undefined) {
    const alone = layers.map((one) => without(one, ['pair']));
    return [...alone, ...(await below(alone))];
  }
  if (name === false) return layers; // which is refused where it is applied
  const beside = ['model', 'draft'].find((model) => layer.given.has(model));
  if (beside !== undefined)
    throw new UsageError(
      `${layer.where('pair')} stands for both models: leave it out, or ${layer.where(beside)}`,
    );
  const pair = await knownPair(String(name)).catch((cause: Error) => {
    throw cause instanceof UsageError
      ? new UsageError(`${layer.where('pair')}: ${cause.message}`, { cause })
      : cause;
  });
  const models = ofPair(pair.name, { model: pair.target.address, draft: pair.draft.address });
  const withModels = [...layers.slice(0, at + 1), models, ...layers.slice(at + 1)];
  return [...withModels, ...(await below(withModels)), ofPair(pair.name, settingsOfPair(pair))];
}

/** A draft model that is said beside a target is for that target: where a stronger layer has another, it is not meant. */
export function withOwnDrafts(layers: readonly Layer[]): readonly Layer[] {
  const target = layers.find(({ given }) => given.has('model'))?.given.get('model');
  return layers.map((layer) => {
    const isForAll = [undefined, target].includes(layer.given.get('model'));
    return isForAll || !namesDraftModel(layer) ? layer : without(layer, ['draft']);
  });
}

/** Settings that are known to suit a pair. */
function ofPair(pair: string, values: Record<string, Given | undefined>): Layer {
  const given = Object.entries(values).filter((entry): entry is [string, Given] => entry[1] !== undefined);
  const source = `pair ${pair}`;
  return { given: new Map(given), source: () => source, where: (name) => `${source}: ${name}` };
}

/** Under their names in a settings file. */
function settingsOfPair({ settings }: KnownPair): Record<string, Given> {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [spelled(name), value]));
}

/** The same layer without what `--no-<name>` undoes; with a target goes the draft model beside it. */
export function withoutUndone(layer: Layer, undone: readonly string[]): Layer {
  const isOwnDraft = undone.includes('model') && layer.given.has('model') && namesDraftModel(layer);
  return without(layer, isOwnDraft ? [...undone, 'draft'] : undone);
}

/** Whether a draft model is said there, and not only another source of drafts. */
function namesDraftModel({ given }: Layer): boolean {
  const draft = given.get('draft');
  return draft !== undefined && draftFile({ draft: String(draft) }) !== undefined;
}

/** The same layer, where it says nothing of these. */
function without(layer: Layer, names: readonly string[]): Layer {
  return { ...layer, given: new Map([...layer.given].filter(([name]) => !names.includes(name))) };
}
