/** Saved conversations, and what is said in one: messages, and commands with any words behind them. */
import { chatPair } from '../../test/support/chat-models.js';
import { damagedBytes, oddText, oddValue, pick, some } from './chance.js';
import { type Kind, tried } from './kind.js';

const COMMANDS =
  '/system /retry /continue /undo /set /stats /save /load /reset /help /bye /exit /sav /x / //'.split(' ');
const ARGUMENTS = [
  'case.json',
  'saved.json',
  'none',
  'seed 1',
  'threshold 2',
  'max-tokens -1',
  'strategy block',
  '"',
];
const ROLES = ['system', 'user', 'assistant', 'tool', ''];

export const conversation: Kind = async () => {
  const { model, draft } = await chatPair('.');
  const run = ['-m', model, '-d', draft, '-n', '3', '-t', '1', '-c', '200', '--seed', '1', '--no-history'];
  return (rng) => {
    const argument = () => (rng() < 0.6 ? pick(ARGUMENTS, rng) : oddText(rng));
    const said = some(6, () => (rng() < 0.5 ? oddText(rng) : `${pick(COMMANDS, rng)} ${argument()}`), rng);
    const turns = ['user', 'assistant', 'user', 'assistant'].slice(0, 2 * Math.floor(3 * rng()));
    const message = (role: string) => ({ role, content: oddText(rng) });
    const sound = { schema: 1, messages: turns.map(message) };
    const odd = { ...sound, messages: [...sound.messages, message(pick(ROLES, rng)), oddValue(rng)] };
    const saved = pick([sound, sound, odd, oddValue(rng)], rng);
    const content = Buffer.from(JSON.stringify(saved));
    return tried({
      files: { 'case.json': rng() < 0.3 ? damagedBytes(content, rng) : content },
      lines: [
        ['chat', ...run, '--load', 'case.json'],
        ['chat', ...run, '--system', oddText(rng)],
      ],
      input: ['Tell me a story', ...said].join('\n'),
    });
  };
};
