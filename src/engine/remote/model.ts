import { PairMismatchError, UsageError } from '../../errors.js';
import type { Model } from '../port.js';
import type { Connection } from './connection.js';
import { RemoteContext } from './context.js';
import { findJudge } from './find-judge.js';

/** What vocabularies read differently: words, numbers, code, accents, other scripts, emoji, blank space. */
const PROBE = `Once upon a time, 1234567 people didn't say "Ünïcödé"; они сказали: 你好, 世界 🙂.
\tfor (let i = 0; i <= 10; i++) { total += x_i ** 2; } // naïve   spaces
`;

/**
 * Returns a target that runs elsewhere. Text and chat templates are those of the draft model, which has the same tokens.
 * @throws PairMismatchError where the server reads a text as other tokens; UsageError, Error
 */
export async function remoteModel(connection: Connection, draft: Model): Promise<Model> {
  const here = draft.tokenizer.encode(PROBE);
  const { judge, tokens: there } = await findJudge(connection, PROBE);
  const place = here.findIndex((token, i) => token !== there[i]);
  if (place >= 0 || there.length !== here.length)
    throw new PairMismatchError(
      `The draft model and the target at ${connection.url} do not make a pair: they read a text as other tokens, ` +
        `${here.length} and ${there.length}; use a draft model of the same family as the target`,
    );
  return {
    tokenizer: draft.tokenizer,
    ...(draft.chatTemplate && { chatTemplate: (choice) => draft.chatTemplate!(choice) }),
    createContext: async (options) => new RemoteContext(judge, options),
    createGrammar: async () => {
      throw new UsageError('A target elsewhere (`targetUrl`) cannot be held to a `grammar`');
    },
  };
}
