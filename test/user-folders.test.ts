import { homedir } from 'node:os';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { expect, test } from 'vitest';
import { cacheFolder, configFolder, homePath } from '../../src/cli/user-folders.js';
import { modelsFolder } from '../../src/models/models-folder.js';

test('the folders are those of the system, and the models folder is that of the library', () => {
  expect(configFolder(process.env)).toBe(envPaths('mtad', { suffix: '' }).config);
  expect(join(cacheFolder(process.env), 'models')).toBe(modelsFolder());
});

test('an environment without a home has that of the user', () => {
  expect(homePath('~/a', {})).toBe(join(homedir(), 'a'));
  expect(homePath('a/~/b', {})).toBe('a/~/b');
});
