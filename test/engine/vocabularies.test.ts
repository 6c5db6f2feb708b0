/** All that is tried on the vocabularies that llama.cpp brings along: in one file, since reading them takes the time. */
import { afterAll, beforeAll } from 'vitest';
import { Vocabularies } from '../support/vocabularies.js';
import { chatTemplateLaws } from './llama/chat-template-laws.js';
import { tokenBytesLaws } from './llama/token-bytes-laws.js';
import { publishedTemplateLaws } from './published-template-laws.js';
import { textIsTextLaws } from './text-is-text-laws.js';
import { vocabularyAgreementLaws } from './vocabulary-agreement-laws.js';
import { vocabularyLaws } from './vocabulary-laws.js';

let vocabularies: Vocabularies;
beforeAll(async () => {
  vocabularies = await Vocabularies.open();
});
afterAll(() => vocabularies.close());

for (const laws of [
  vocabularyLaws,
  vocabularyAgreementLaws,
  tokenBytesLaws,
  chatTemplateLaws,
  textIsTextLaws,
  publishedTemplateLaws,
])
  laws(() => vocabularies);
