import { homedir } from 'node:os';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { expect, test } from 'vitest';
import { modelsFolder } from '../src/models/models-folder.js';
import { cacheFolder, configFolder, homePath, stateFolder } from '../src/user-folders.js';

test('the folders are those of the system, and models lie in the cache', () => {
  const { config, cache, log } = envPaths('mtad', { suffix: '' });
  const folders = [configFolder, cacheFolder, stateFolder].map((folder) => folder(process.env));
  expect(folders).toEqual([config, cache, log]);
  expect(modelsFolder()).toBe(join(cache, 'models'));
});

test('an environment without a home has that of the user', () => {
  expect(homePath('~/a', {})).toBe(join(homedir(), 'a'));
  expect(homePath('a/~/b', {})).toBe('a/~/b');
});
