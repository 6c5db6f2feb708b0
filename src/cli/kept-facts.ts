import { join } from 'node:path';
import type { Inspection } from '../models/inspect.js';
import { type CostCurve, passMs } from '../tuning/cost-curves.js';
import { CostFolder } from '../tuning/cost-store.js';
import type { Key } from '../tuning/keyed-folder.js';
import type { Profile, ProfiledModel } from '../tuning/profile.js';
import { isSameFile, ownProfile, profiledModel, readProfile } from '../tuning/profile-file.js';
import { cacheFolder, profilesFolder } from '../user-folders.js';
import type { Io } from './io.js';
import { spelled } from './settings/names.js';

/** What is kept of models that were run or tuned here. */
export interface KeptFacts {
  /** Of `mtad tune --save`; null = none. */
  readonly profile: {
    readonly path: string;
    /** The recommendation, by the names of settings. */
    readonly settings: Readonly<Record<string, string | number | boolean>>;
    /** Whether the models have changed since, so that it is not used. */
    readonly isStale: boolean;
  } | null;
  /** Costs of passes in milliseconds that were measured last; null = none. */
  readonly costs: {
    readonly backend: Key[string];
    /** Null: as many as the engine takes by itself. */
    readonly threads: Key[string];
    /** Tokens of the longest text that they are of. */
    readonly textUpTo: Key[string];
    readonly targetMs: { readonly one: number; readonly five: number };
    /** Null: without a draft model. */
    readonly draftMs: number | null;
  } | null;
}

/** Reads it from the user's folders. */
export async function keptFactsOf({ target, draft }: Inspection, env: Io['env']): Promise<KeptFacts> {
  const models = [target, draft].flatMap((model) =>
    model && !model.facts.remote ? [model.facts.source] : [],
  );
  const [first, second] = await Promise.all(models.map(profiledModel));
  if (!first || (draft && !second)) return { profile: null, costs: null };
  return {
    profile: second ? await profileOf(first, second, models, env) : null,
    costs: await costsOf(models, [first, second], env),
  };
}

async function profileOf(
  target: ProfiledModel,
  draft: ProfiledModel,
  [targetPath, draftPath]: readonly string[],
  env: Io['env'],
): Promise<KeptFacts['profile']> {
  const path = ownProfile(profilesFolder(env), targetPath!, draftPath);
  const profile: Profile | undefined = await readProfile(path).catch(() => undefined);
  if (!profile?.tuned) return null;
  const { pair } = profile;
  const isStale = !pair || !isSameFile(pair.target, target) || !isSameFile(pair.draft, draft);
  return { path, settings: profile.tuned.settings, isStale };
}

async function costsOf(
  paths: readonly string[],
  [target, draft]: readonly (ProfiledModel | undefined)[],
  env: Io['env'],
): Promise<KeptFacts['costs']> {
  const isOf = (path: string | undefined, model: ProfiledModel | undefined, kept: unknown) =>
    model
      ? typeof kept === 'string' && kept.startsWith(`${path} `) && kept.endsWith(` ${model.modified}`)
      : kept === null;
  const all = await new CostFolder(join(cacheFolder(env), 'costs')).all();
  const found = all.find(({ key }) => isOf(paths[0], target, key.target) && isOf(paths[1], draft, key.draft));
  if (!found) return null;
  const { key, value: curves } = found;
  const draftCurve: CostCurve | undefined = curves.draft;
  return {
    backend: key.backend ?? null,
    threads: key.threads ?? null,
    textUpTo: key.text_up_to ?? null,
    targetMs: { one: passMs(curves.target, 1), five: passMs(curves.target, 5) },
    draftMs: draftCurve ? passMs(draftCurve, 1) : null,
  };
}

/** Returns a line for each. */
export function keptFactLines({ profile, costs }: KeptFacts): string[] {
  const settings = Object.entries(profile?.settings ?? {}).map(
    ([name, value]) => `${spelled(name).replaceAll('-', ' ')} ${value}`,
  );
  const use = profile?.isStale
    ? 'is not used, since the models have changed (mtad tune --save makes a new one)'
    : `says ${settings.join(', ')}`;
  const draft = costs && costs.draftMs !== null ? `, of the draft model ${costs.draftMs.toFixed(2)} ms` : '';
  return [
    ...(profile ? [`The profile ${profile.path} ${use}.`] : []),
    ...(costs
      ? [
          `Measured here (${costs.backend}, threads ${costs.threads ?? 'auto'}, texts up to ${costs.textUpTo} tokens): a pass of the target over 1 token takes ${costs.targetMs.one.toFixed(2)} ms, over 5 ${costs.targetMs.five.toFixed(2)} ms${draft}.`,
        ]
      : []),
  ];
}
