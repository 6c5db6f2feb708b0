import { Conversation } from '../../generation/conversation.js';
import { refuseWithoutChatTemplate } from '../../generation/require-chat-template.js';
import type { RunOptions } from '../../generation/run-options.js';
import { parseSettings, type Settings } from '../../generation/settings.js';
import type { PairFiles, PairOptions } from '../../models/pair.js';
import { sequencesOf } from '../../strategies/index.js';
import type { ChatMessage } from '../../templates/messages.js';
import { attended } from '../attended.js';
import type { Message } from '../chat/line-reader.js';
import { loadConversation } from '../chat/saved-conversation.js';
import { type TalkFlags, talk } from '../chat/talk.js';
import { type DecodingFlags, settingsOf } from '../decoding-options.js';
import { EXIT } from '../failures.js';
import { pairOptionsOf, type RuntimeFlags, runOptionsOf } from '../options.js';
import { CHAT_CONTEXT } from '../programs/chat.js';
import { downloadReports } from '../render/downloads.js';
import { type TemplateFlags, templateChoiceOf } from '../template-options.js';
import { warn } from '../warnings.js';

/** What Commander makes of the options. Undefined = not given. */
export interface ChatFlags extends RuntimeFlags, DecodingFlags, TalkFlags, TemplateFlags {
  system?: string;
  load?: string;
  engine: NonNullable<PairOptions['engine']>;
}

/** `mtad chat`: questions in, answers out, until there are no more. @returns the exit code */
export async function runChat(firstMessage: Message, flags: ChatFlags): Promise<number> {
  const settings = parseSettings({ ...settingsOf(flags), ...templateChoiceOf(flags) });
  const messages = await startOf(flags);
  const { loadPair } = await import('../../models/pair.js'); // half a second, so not before it is needed
  let pair: Awaited<ReturnType<typeof loadPair>> | undefined;
  let conversation: Conversation | undefined;
  try {
    const interrupted = await attended(flags, async ({ signal }, progress) => {
      const options = {
        ...pairOptionsOf(flags),
        ...downloadReports(flags, progress),
        engine: flags.engine,
        signal,
      };
      const needed = { ...options, needsDraft: sequencesOf(settings).draft > 0 };
      const files = await chatFiles(needed, settings);
      progress.loading('Loading models');
      pair = await loadPair(needed, files);
      conversation = await Conversation.open(pair, settings, chatRunOptions(flags, files));
      progress.stop();
      warn(flags, files, conversation.template, systemOf(messages), (line) => {
        if (!flags.quiet) process.stderr.write(`mtad: ${line}\n`);
      });
      return EXIT.ok;
    });
    if (!conversation) return interrupted;
    conversation.messages = messages;
    return await talk(conversation, firstMessage, flags);
  } finally {
    await conversation?.dispose();
    await pair?.dispose();
  }
}

async function startOf({ load, system }: ChatFlags): Promise<ChatMessage[]> {
  if (load !== undefined) return loadConversation(load);
  return system === undefined ? [] : [{ role: 'system', content: system }];
}

function systemOf([first]: readonly ChatMessage[]): string | undefined {
  return first?.role === 'system' ? first.content : undefined;
}

/** @throws UsageError for a model that cannot be talked to, before it is loaded */
async function chatFiles(options: PairOptions, settings: Settings): Promise<PairFiles> {
  const { findPair } = await import('../../models/pair.js');
  const files = await findPair(options);
  refuseWithoutChatTemplate(files.target, settings);
  const { openTemplate } = await import('../../templates/open-template.js');
  await openTemplate(files.target.template, settings);
  return files;
}

function chatRunOptions(flags: ChatFlags, { target }: PairFiles): RunOptions {
  const trained = target.trainContextSize || CHAT_CONTEXT;
  const contextSize = flags.ctxSize === 0 ? trained : (flags.ctxSize ?? Math.min(trained, CHAT_CONTEXT));
  return { ...runOptionsOf(flags), contextSize };
}
