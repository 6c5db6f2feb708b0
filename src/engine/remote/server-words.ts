import { oneLine } from '../../one-line.js';

/** Characters of a server's words that a message shows. */
const MOST = 300;

/**
 * Returns the beginning of a server's words in one line and between double quotes, in which messages have the words of others.
 * @param key what the server was sent: some servers repeat a wrong key, and no message does
 */
export function quoted(text: string, key: string | undefined): string {
  return JSON.stringify(oneLine(key ? text.replaceAll(key, '<key>') : text, MOST));
}

/** What a server says of a failure. */
export interface ServerWords {
  readonly message: string;
  /** Its name for the failure, or for its kind; undefined: it has none. */
  readonly code: string | undefined;
}

/** Reads an answer in OpenAI's shape, or in that of older vLLM without an `error` around it; of another answer, all is message. */
export function wordsIn(text: string): ServerWords {
  try {
    const answer = JSON.parse(text) as { error?: unknown };
    const { message, code, type } = (answer.error ?? answer) as Record<string, unknown>;
    const name = [code, type].find((one) => typeof one === 'string');
    if (typeof message === 'string') return { message, code: name };
  } catch {
    // the answer of a proxy, or of no such server
  }
  return { message: text.trim(), code: undefined };
}

/** Returns the words of an answer behind a colon, for the end of a message, without the `key`; '': it has none. */
export function saidIn({ message }: ServerWords, key: string | undefined): string {
  return message === '' ? '' : `: ${quoted(message, key)}`;
}
