import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import camelcaseKeys from 'camelcase-keys';
import snakecaseKeys from 'snakecase-keys';
import { UsageError } from '../errors.js';
import type { CostCurves } from './cost-curves.js';
import type { CostKey, CostStore } from './cost-store.js';
import { type Profile, type ProfiledModel, profileSchema } from './profile.js';

/**
 * @returns undefined where there is no such file
 * @throws UsageError for a file that is not a profile
 */
export async function readProfile(path: string): Promise<Profile | undefined> {
  try {
    const parsed = JSON.parse(await readFile(path, 'utf8'));
    return profileSchema.parse(camelcaseKeys(parsed, { deep: true, stopPaths: ['costs.key'] }));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UsageError(
      `${path} is no profile of a pair: give \`profile\` a file that mtad wrote, or a new name`,
      { cause },
    );
  }
}

/**
 * Writes a profile, and makes its folder. The file is replaced in one step.
 * @throws UsageError where it cannot be written
 */
export async function writeProfile(path: string, profile: Profile): Promise<void> {
  const { costs } = profile;
  const inSnake = snakecaseKeys(profile as unknown as Record<string, unknown>, { deep: true });
  const text = JSON.stringify(
    { ...inSnake, costs: { ...(inSnake.costs as object), key: costs.key } },
    null,
    2,
  );
  const half = `${path}.${randomUUID()}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(half, `${text}\n`);
    await rename(half, path);
  } catch (cause) {
    await rm(half, { force: true }).catch(() => undefined);
    const { code } = cause as NodeJS.ErrnoException;
    throw new UsageError(`\`profile\` cannot be written to ${path}: ${code}`, { cause });
  }
}

/**
 * Returns the path of a pair's own profile, which depends on the paths of its models.
 * @param folder the folder of all profiles
 */
export function ownProfile(folder: string, target: string, draft: string | undefined): string {
  const paths = [target, ...(draft === undefined ? [] : [draft])].map((path) => resolve(path));
  const names = paths.map((path) => basename(path, extname(path))).join('+');
  const hash = createHash('sha256').update(JSON.stringify(paths)).digest('hex').slice(0, 8);
  return join(folder, `${names}-${hash}.json`);
}

/** Returns the facts of a model's file that a profile keeps; undefined: there is no such file. */
export async function profiledModel(path: string): Promise<ProfiledModel | undefined> {
  const facts = await stat(path).catch(() => undefined);
  return facts && { path: resolve(path), bytes: facts.size, modified: facts.mtimeMs };
}

/** Returns whether a model's file is still as a profile has it. */
export function isSameFile(then: ProfiledModel, now: ProfiledModel): boolean {
  return then.bytes === now.bytes && then.modified === now.modified;
}

/**
 * The costs of one profile, for every key, so that the same seed gives the same text. A missing file is written after the
 * measurement.
 */
export class CostFile implements CostStore {
  readonly areFixed = true;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws UsageError where the file is not a profile */
  async find(): Promise<CostCurves | undefined> {
    const profile = await readProfile(this.#path);
    return profile && { target: profile.costs.target, draft: profile.costs.draft };
  }

  /** @throws UsageError where the file cannot be written */
  async keep(key: CostKey, { target, draft }: CostCurves): Promise<void> {
    await writeProfile(this.#path, {
      schema: 1,
      costs: { key, target: [...target], draft: draft && [...draft] },
    });
  }

  /** Does nothing: a file with fixed costs gives the same text again. */
  async correct(): Promise<void> {}
}
