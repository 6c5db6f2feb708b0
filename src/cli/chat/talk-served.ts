import type { Command } from 'commander';
import { ServedConversation } from '../../client/served-conversation.js';
import { TextServer } from '../../client/text-server.js';
import type { ContextPolicy } from '../../generation/fitting-turns.js';
import type { Settings } from '../../generation/settings.js';
import type { ChatMessage } from '../../templates/messages.js';
import { attended } from '../attended.js';
import { EXIT } from '../failures.js';
import type { Io } from '../io.js';
import { heeded } from '../served/heeded.js';
import type { UrlFlags } from '../served/url-options.js';
import type { Message } from './line-reader.js';
import { ServedPartner } from './served-partner.js';
import { type TalkFlags, talk } from './talk.js';

/** How a conversation begins. */
interface Start {
  /** Of the conversation that goes on, or its system text. */
  readonly messages: readonly ChatMessage[];
  readonly firstMessage: Message;
}

/** Talks with a server. @returns the exit code */
export async function talkServed(
  io: Io,
  { messages, firstMessage }: Start,
  flags: TalkFlags & UrlFlags & { readonly url: string; readonly contextPolicy: ContextPolicy },
  settings: Settings,
  program: Command,
): Promise<number> {
  const server = new TextServer({ url: flags.url, key: flags.apiKey });
  const { url } = server;
  let partner: ServedPartner | undefined;
  const exitCode = await attended(io, flags, async ({ signal }, progress) => {
    progress.loading(`Waiting for ${new URL(url).host}`);
    const { names, owner } = await server.models(signal);
    progress.stop();
    const say = (line: string) => {
      if (!flags.quiet) io.say(line);
    };
    const given = heeded(settings, program, { url, owner, isRaw: false, say });
    const model = flags.servedModel ?? names[0];
    const conversation = new ServedConversation(server, { model, owner }, given, flags.contextPolicy);
    partner = new ServedPartner(conversation, { url, model });
    partner.messages = messages;
    return EXIT.ok;
  });
  return partner ? talk(io, partner, firstMessage, flags) : exitCode;
}
