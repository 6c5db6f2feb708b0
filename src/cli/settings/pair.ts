import { UsageError } from '../../errors.js';
import { type KnownPair, knownPair } from '../../models/known-pairs.js';
import { draftFile } from '../model-options.js';
import { spelled } from './names.js';
import type { Given, Layer } from './values.js';

/** Settings that say where a target is that is not loaded here. */
const ELSEWHERE = ['url', 'target-url'];

/** Whether the target, as the strongest layer names it, is loaded somewhere else. */
export function isElsewhere(layers: readonly Layer[]): boolean {
  const names = ['model', ...ELSEWHERE];
  const namedBy = layers.find(({ given }) => names.some((name) => given.has(name)));
  return namedBy !== undefined && !namedBy.given.has('model');
}

/**
 * Replaces `--pair` by what it stands for: the two models take its place, and its settings become the weakest layer.
 * Where a stronger layer names a model or a server, the target is another, so nothing of the pair is used.
 * @param layers strongest first
 * @param below finds the layers that are weaker than these and stronger than the settings of the pair
 * @throws UsageError for an unknown pair, and for a pair and a model in the same layer
 */
export async function withPair(
  layers: readonly Layer[],
  below: (layers: readonly Layer[]) => Promise<readonly Layer[]>,
): Promise<readonly Layer[]> {
  const at = layers.findIndex(({ given }) => ['pair', 'model', ...ELSEWHERE].some((one) => given.has(one)));
  const layer = layers[at];
  const name = layer?.given.get('pair');
  if (!layer || name === undefined) {
    const alone = layers.map((one) => without(one, ['pair']));
    return [...alone, ...(await below(alone))];
  }
  if (name === false) return layers; // it is refused where the layer is applied
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

/** Drops the draft model of a layer whose target a stronger layer replaces: it was meant for its own target. */
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

/** The settings of a pair, under their names in a settings file. */
function settingsOfPair({ settings }: KnownPair): Record<string, Given> {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [spelled(name), value]));
}

/** The same layer without the settings that `--no-<name>` undoes. Without its target, it loses its draft model too. */
export function withoutUndone(layer: Layer, undone: readonly string[]): Layer {
  const isOwnDraft = undone.includes('model') && layer.given.has('model') && namesDraftModel(layer);
  return without(layer, isOwnDraft ? [...undone, 'draft'] : undone);
}

/** Whether the layer names a draft model, and not only another source of drafts. */
function namesDraftModel({ given }: Layer): boolean {
  const draft = given.get('draft');
  return draft !== undefined && draftFile({ draft: String(draft) }) !== undefined;
}

/** The same layer without these settings. */
function without(layer: Layer, names: readonly string[]): Layer {
  return { ...layer, given: new Map([...layer.given].filter(([name]) => !names.includes(name))) };
}
