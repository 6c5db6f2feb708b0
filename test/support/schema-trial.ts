import { Ajv2020 } from 'ajv/dist/2020.js';
import type { GenerationResult } from '../../src/generation/events.js';
import { generate } from '../../src/generation/generate.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { createRng } from '../../src/math/rng.js';
import type { Pair } from '../../src/models/pair.js';
import { randomSchema } from './random-schema.js';

/** How a text went that had to obey the random schema of this seed. */
export interface Trial {
  readonly schema: Record<string, unknown>;
  readonly result: GenerationResult;
  /** 'valid': it ended by itself and the schema holds; 'cut off': it met the limit of tokens; else what is wrong. */
  readonly outcome: string;
}

export async function trySchema(pair: Pair, seed: number, settings: SettingsInput): Promise<Trial> {
  const schema = randomSchema(createRng(seed));
  const all: SettingsInput = { maxTokens: 192, seed, ...settings, grammar: { jsonSchema: schema } };
  let result: GenerationResult | undefined;
  for await (const event of generate(pair, 'Once upon a time', all, { threads: 1, contextSize: 256 }))
    if (event.type === 'end') result = event.result;
  return { schema, result: result!, outcome: outcomeOf(schema, result!) };
}

function outcomeOf(schema: object, { text, finishReason }: GenerationResult): string {
  if (finishReason === 'length') return 'cut off';
  if (finishReason !== 'eos') return `ended by ${finishReason}`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return String(error);
  }
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  return ajv.validate(schema, value) ? 'valid' : ajv.errorsText();
}
