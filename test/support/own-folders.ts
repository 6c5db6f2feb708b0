import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes a folder for all processes of a run of the tests. @returns what removes it */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'mtad-tests-'));
  process.env.FOLDER_OF_TESTS = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}

const root = join(process.env.FOLDER_OF_TESTS ?? tmpdir(), `mtad-process-${process.pid}`);

/** The user's folders, for the tests of this process: what earlier runs have kept of costs and drafts decides nothing. */
export const OWN_FOLDERS = {
  XDG_CACHE_HOME: join(root, 'cache'),
  XDG_STATE_HOME: join(root, 'state'),
  XDG_CONFIG_HOME: join(root, 'config'), // where no profile is
};
