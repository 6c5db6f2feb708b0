import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../errors.js';

/**
 * @returns the token of the hub's user, from HF_TOKEN or the file of the hub's own tools; it must never be printed
 * @throws UsageError for a token that no request can carry: the error of fetch would repeat it
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
