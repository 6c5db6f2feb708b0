import { validateHeaderValue } from 'node:http';
import { UsageError } from '../../errors.js';

/** What says where a server is, and what it is sent as a key. */
interface Named {
  readonly url: 'url' | 'targetUrl';
  readonly key: 'apiKey' | 'targetKey';
}

/**
 * Reads the address of a server and the key for it, which messages and figures never hold: an address may bear a secret
 * before an @ and behind a question mark.
 * @throws UsageError for what is no address, for one with a user, and for a key that no request can hold
 */
export function checkedAddress(names: Named, url: string, key: string | undefined): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  const isOfServer = base !== undefined && /^https?:$/.test(base.protocol);
  if (isOfServer ? base.username !== '' || base.password !== '' : url.includes('@'))
    throw new UsageError(`\`${names.url}\` must hold no user and no password: \`${names.key}\` gives a key`);
  if (!isOfServer)
    throw new UsageError(
      `\`${names.url}\` must be an address such as http://box:8077, not ${JSON.stringify(url.replace(/[?#].*/s, ''))}`,
    );
  try {
    validateHeaderValue('Authorization', key ?? '');
  } catch {
    throw new UsageError(`\`${names.key}\` holds a line break or another character that no request can hold`);
  }
  base.hash = '';
  return base;
}

/** Returns the part of an address that messages show, without a slash at its end. */
export function shownAddress({ origin, pathname }: URL): string {
  return (origin + pathname).replace(/\/+$/, '');
}
