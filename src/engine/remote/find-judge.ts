import type { TokenId } from '../../types.js';
import { type Connection, Refused } from './connection.js';
import type { Judge } from './judge.js';
import { onePass } from './one-pass.js';
import { prefixFanOut } from './prefix-fan-out.js';

/** A server's formats, the cheapest first. */
const WAYS = [onePass, prefixFanOut];

/** Statuses of a server that does not have a path. */
const ABSENT = new Set([404, 405, 501]);

/**
 * Finds the format that a server speaks, by asking how it reads a text.
 * @throws UsageError where it speaks none; Error
 */
export async function findJudge(
  connection: Connection,
  probe: string,
): Promise<{ readonly judge: Judge; readonly tokens: TokenId[] }> {
  let first: Refused | undefined;
  for (const way of WAYS)
    try {
      const judge = way(connection);
      return { judge, tokens: await judge.tokensOf(probe) };
    } catch (error) {
      if (!(error instanceof Refused && ABSENT.has(error.status))) throw error;
      first ??= error;
    }
  throw new Refused(
    `${first!.message}; targets are mtad serve, SGLang and llama-server, by an address without a path`,
    first!.status,
  );
}
