import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../errors.js';

/**
 * The token of the hub's user, from HF_TOKEN or where the hub's own tools keep it. Never to be printed.
 * @throws UsageError for one that no request can carry: fetch would repeat it in its error
 */
export async function hubToken(env = process.env): Promise<string | undefined> {
  const token = env.HF_TOKEN?.trim() || (await keptToken(env));
  if (token && !/^[\x21-\x7e]+$/.test(token))
    throw new UsageError('HF_TOKEN, or the file that keeps it, holds more than a token; set it anew');
  return token;
}

async function keptToken(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface');
  const text = await readFile(env.HF_TOKEN_PATH || join(home, 'token'), 'utf8').catch(() => '');
  return text.trim() || undefined;
}
