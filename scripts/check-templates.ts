/**
 * Holds chat templates to their law: rendered here they are, to the byte, what @huggingface/jinja makes of them, and read
 * as llama.cpp reads the whole. Those in llama.cpp's source, and SmolLM2's; five vocabularies.
 */
import { publishedTemplates, tryTemplates } from '../test/support/template-trial.js';
import { Vocabularies } from '../test/support/vocabularies.js';

const templates = await publishedTemplates();
const vocabularies = await Vocabularies.open();
const say = (line: string) => process.stdout.write(`${line}\n`);
let isBroken = false;
for (const name of ['llama-bpe', 'qwen2', 'gemma-4', 'phi-3', 'command-r']) {
  const model = await vocabularies.load(name);
  const { equal, refused, different, sameTokens, otherTokens } = await tryTemplates(templates, model);
  say(
    `${name}: ${templates.size} templates; rendered equal ${equal}, refused ${refused.length}, different ${different.length}; ` +
      `tokens equal ${sameTokens}, other ${otherTokens.length}`,
  );
  for (const line of [...different, ...otherTokens]) say(`  ${line}`);
  if (name === 'llama-bpe') for (const line of refused) say(`  refused: ${line.slice(0, 160)}`);
  isBroken ||= different.length + otherTokens.length > 0;
}
await vocabularies.close();
process.exitCode = isBroken ? 1 : 0;
