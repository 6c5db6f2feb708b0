import { homedir } from 'node:os';
import { join } from 'node:path';

/** A path that no shell has seen, with its `~/` filled in. */
export function homePath(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
}
