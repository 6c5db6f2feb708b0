import { homedir } from 'node:os';
import { join } from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

function home(env: Env): string {
  return (process.platform === 'win32' ? env.USERPROFILE : env.HOME) || homedir();
}

/** A path that no shell has seen, with its `~/` filled in. */
export function homePath(path: string, env: Env): string {
  return path.startsWith('~/') ? join(home(env), path.slice(2)) : path;
}

/** The folder of mtad's settings, where the user's system keeps such things. */
export function configFolder(env: Env): string {
  if (process.platform === 'darwin') return join(home(env), 'Library', 'Preferences', 'mtad');
  if (process.platform === 'win32')
    return join(env.APPDATA || join(home(env), 'AppData', 'Roaming'), 'mtad', 'Config');
  return join(env.XDG_CONFIG_HOME || join(home(env), '.config'), 'mtad');
}

/** The folder of what `mtad tune --save` has found out about pairs of models. */
export function profilesFolder(env: Env): string {
  return join(configFolder(env), 'profiles');
}

/** The folder of what mtad can fetch again. */
export function cacheFolder(env: Env): string {
  if (process.platform === 'darwin') return join(home(env), 'Library', 'Caches', 'mtad');
  if (process.platform === 'win32')
    return join(env.LOCALAPPDATA || join(home(env), 'AppData', 'Local'), 'mtad', 'Cache');
  return join(env.XDG_CACHE_HOME || join(home(env), '.cache'), 'mtad');
}

/** The folder of what mtad remembers from run to run, and can do without. */
export function stateFolder(env: Env): string {
  if (process.platform === 'darwin') return join(home(env), 'Library', 'Logs', 'mtad');
  if (process.platform === 'win32')
    return join(env.LOCALAPPDATA || join(home(env), 'AppData', 'Local'), 'mtad', 'Log');
  return join(env.XDG_STATE_HOME || join(home(env), '.local', 'state'), 'mtad');
}
