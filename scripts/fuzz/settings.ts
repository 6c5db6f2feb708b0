/** Settings files and variables. */
import { damagedBytes, oddNumber, oddText, pick, some } from './chance.js';
import { type Kind, tried } from './kind.js';

const NAMES =
  `draft-length beam-width threshold quality repetition temperature top-k top-p min-p repeat-penalty seed
max-tokens stop strategy engine ctx-size threads cache-type flash-attn gpu model draft pair system think color json
highlight profile offline __proto__ constructor toString`.split(/\s+/);

export const settings: Kind = async () => (rng) => {
  const value = () =>
    pick(
      [
        () => JSON.stringify(oddText(rng)),
        () => `${oddNumber(rng)}`,
        () => '[1, "a"]',
        () => 'true',
        () => '{ a = 1 }',
        () => '2020-01-01',
      ],
      rng,
    )();
  const lines = some(5, () => `${pick(NAMES, rng)} = ${value()}`, rng);
  const table = rng() < 0.2 ? `[${pick(['chat', 'serve', 'benchmark', 'a.b', '__proto__'], rng)}]\n` : '';
  const content = Buffer.from(`max-tokens = 2\n${table}${lines.join('\n')}\n`);
  const env = { MTAD_CONFIG: 'case.toml' };
  return tried({
    files: { 'case.toml': rng() < 0.3 ? damagedBytes(content, rng) : content },
    lines: [['config'], ['-n', '2', '-t', '1', '--seed', '1', 'Once']],
    env,
  });
};
