/** Files of prompts, standard input, and lines of `mtad batch`. */
import { damagedBytes, oddText, oddValue, pick, some } from './chance.js';
import { type Kind, tried } from './kind.js';

export const prompt: Kind = async () => (rng) => {
  const text = Buffer.from(some(6, () => oddText(rng), rng).join(pick([' ', '\n', ''], rng)));
  const content = rng() < 0.5 ? text : damagedBytes(Buffer.concat([Buffer.from('Once '), text]), rng);
  const line = {
    prompt: oddText(rng),
    max_tokens: 2,
    [pick(['seed', 'id', 'system', 'messages', 'stop', 'top_k'], rng)]: oddValue(rng),
  };
  const run = ['-n', '2', '-t', '1', '--seed', '1', '--draft-length', '2', '-c', '600'];
  return tried({
    files: { 'case.txt': content, 'case.jsonl': rng() < 0.5 ? JSON.stringify(line) : content },
    lines: [['-f', 'case.txt', ...run], ['batch', 'case.jsonl', '-o', 'answers.jsonl', ...run], run],
    input: content,
  });
};
