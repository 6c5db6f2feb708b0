import { basename } from 'node:path';
import { modelsFolder } from '../../models/models-folder.js';
import { isEmbedded } from '../../models/pair.js';
import { EMBEDDED_PAIR, findModel } from '../../models/resolve.js';
import { PLAIN } from '../../strategies/index.js';
import type { Profile, ProfiledModel, ProfiledPair } from '../../tuning/profile.js';
import { isSameFile, ownProfile, profiledModel, readProfile } from '../../tuning/profile-file.js';
import { profilesFolder } from '../../user-folders.js';
import type { Io } from '../io.js';
import { draftFile, draftSources } from '../model-options.js';
import { spelled } from './names.js';
import { isElsewhere } from './pair.js';
import type { Layer } from './values.js';

/** The profile that a command uses. */
export interface ProfileInUse {
  readonly path: string;
  readonly profile: Profile;
}

/** The files of a pair, as they are now. */
type Models = Pick<ProfiledPair, 'target' | 'draft'>;

/** Tells the user why a profile is not used, or may not suit. */
type Say = (line: string) => void;

/**
 * Returns the profile that `--profile` names, else the one that `mtad tune --save` has kept for these models.
 * @param layers the strongest first; a known pair is replaced by its models
 * @throws UsageError for a named profile that cannot be read
 */
export async function profileInUse(
  layers: readonly Layer[],
  env: Io['env'],
  say: Say,
): Promise<ProfileInUse | undefined> {
  const models = await modelsOf(layers, env);
  const named = said(layers, 'profile');
  return named === undefined ? ownOf(models, profilesFolder(env), say) : namedBy(named, models, say);
}

/** Settings that only drafting strategies have. A user who gives one of them wants to draft. */
const OF_DRAFTS = ['draft', 'draft-length', 'beam-width', 'threshold', 'quality', 'repetition', 'clip'];

/**
 * Returns the recommendation of a profile as the weakest layer. Its settings were found together, so none is used beside
 * another strategy. Plain decoding is not recommended to a user who wants to draft. A given quality replaces the threshold.
 */
export function profileLayer({ path, profile }: ProfileInUse, layers: readonly Layer[]): Layer {
  const isSaid = (name: string) => layers.some(({ given }) => given.has(name));
  const tuned = profile.tuned?.settings;
  const strategy = layers.find(({ given }) => given.has('strategy'))?.given.get('strategy');
  const isOther = strategy !== undefined && strategy !== tuned?.strategy;
  const isPlain = tuned?.strategy === PLAIN.name && OF_DRAFTS.some(isSaid);
  const settings = {
    ...(!isPlain && profile.tuned?.placement),
    ...(!isPlain && !isOther && tuned),
  };
  const given = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined || (name === 'threshold' && isSaid('quality'))
      ? []
      : [[spelled(name), value] as const],
  );
  const source = `profile ${path}`;
  return {
    given: new Map(given),
    source: () => source,
    where: (name) => `${source}: ${name}`,
  };
}

async function namedBy(
  path: string,
  models: Models | undefined,
  say: Say,
): Promise<ProfileInUse | undefined> {
  const profile = await readProfile(path);
  if (!profile) return undefined; // the run will write it
  const { pair } = profile;
  const isCopy = (one: ProfiledModel, now: ProfiledModel) =>
    one.bytes === now.bytes && basename(one.path) === basename(now.path);
  if (pair && models && !(isCopy(pair.target, models.target) && isCopy(pair.draft, models.draft)))
    say(
      `the profile ${path} is of other models (${basename(pair.target.path)}, ${basename(pair.draft.path)}): ` +
        'what it recommends may not suit these',
    );
  return { path, profile };
}

async function ownOf(
  models: Models | undefined,
  folder: string,
  say: Say,
): Promise<ProfileInUse | undefined> {
  if (!models) return undefined;
  const path = ownProfile(folder, models.target.path, models.draft.path);
  const profile = await readProfile(path).catch(() => null);
  if (profile === undefined) return undefined;
  const { pair } = profile ?? {};
  if (profile && pair && isSameFile(pair.target, models.target) && isSameFile(pair.draft, models.draft))
    return { path, profile };
  const why = profile ? 'the models have changed since' : 'it cannot be read';
  say(`the profile ${path} is not used: ${why} (mtad tune --save makes a new one)`);
  return undefined;
}

/** The files of both models; undefined where one is missing, since a profile belongs to files. */
async function modelsOf(layers: readonly Layer[], env: Io['env']): Promise<Models | undefined> {
  const given = { draft: said(layers, 'draft') };
  if (draftSources(given).includes('lookup') || isElsewhere(layers)) return undefined;
  const named = { model: said(layers, 'model'), draft: draftFile(given) };
  const { model, draft } = isEmbedded(named) ? EMBEDDED_PAIR : named;
  if (!model || !draft) return undefined;
  const modelsDir = modelsFolder(said(layers, 'models-dir'), env);
  const [target, other] = await Promise.all(
    [model, draft].map(async (name) => {
      const path = await findModel(name, { modelsDir }).catch(() => undefined);
      return typeof path === 'string' ? profiledModel(path) : undefined;
    }),
  );
  return target && other && { target, draft: other };
}

function said(layers: readonly Layer[], name: string): string | undefined {
  const value = layers.find(({ given }) => given.has(name))?.given.get(name);
  return typeof value === 'string' ? value : undefined;
}
