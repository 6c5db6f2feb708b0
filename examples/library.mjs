// node library.mjs [target.gguf draft.gguf]
import { Conversation, generate, loadPair, ratios } from 'mtad';

const [model, draft] = process.argv.slice(2);
const pair = await loadPair({ model, draft }); // without files: the embedded pair of story models

/** @param {AsyncIterable<import('mtad').ConversationEvent>} events */
async function show(events) {
  for await (const event of events) {
    if (event.type === 'text') for (const { text } of event.pieces) process.stdout.write(text);
    if (event.type === 'end') {
      const { finishReason, counters } = event.result;
      const { blockEfficiency } = ratios(counters); // tokens per pass of the target
      process.stdout.write(`\n[${finishReason}, ${blockEfficiency?.toFixed(1)} tokens per pass]\n`);
    }
  }
}

try {
  await show(
    generate(pair, 'Once upon a time', { strategy: 'mtad', threshold: 0.5, maxTokens: 32, seed: 1 }),
  );

  if (await pair.target.chatTemplate?.()) {
    const conversation = await Conversation.open(pair, { maxTokens: 32, seed: 1 }, { contextSize: 1024 });
    await show(conversation.ask('Tell me a story.'));
    await show(conversation.ask('And then?')); // the turns before are still in both caches
    await conversation.dispose();
  }
} finally {
  await pair.dispose();
}
