/** Command lines, without -v: it shows stacks. */
import { COMMANDS } from '../../src/cli/commands/index.js';
import { below, oddNumber, oddText, pick, some } from './chance.js';
import { type Kind, tried } from './kind.js';

const OPTIONS =
  `-m -d -n -k -w -c -t -f -p -s -o -q -h -V --model --draft --pair --strategy --draft-length --beam-width --threshold
--quality --repetition --clip --temperature --top-k --top-p --min-p --repeat-penalty --seed --max-tokens --stop --special
--json --jsonl --grammar --json-schema --chat-template --system --raw --chat --think --engine --ctx-size --threads --cache-type
--flash-attn --gpu --gpu-layers --profile --no-tune-cache --stats --perplexity --highlight --trace --color --no-config
--offline --replay --format --limit --models-dir --no-stdin -md -ngl --temp --lora -- --=x --no-`.split(
    /\s+/,
  );
const WORDS = [
  'auto',
  'on',
  'off',
  'mtad',
  'speculative',
  'autoregressive',
  '1',
  '2',
  '0.5',
  'case.txt',
  'Once',
  'lookup',
  'mtp',
  '-',
];

/** These wait for people, listen, load from the network or run long. */
const LEFT_OUT = ['serve', 'pull', 'benchmark', 'tune', 'chat', 'rm'];

export const words: Kind = async () => {
  const commands = [...COMMANDS.keys(), 'help', 'none'].filter((name) => !LEFT_OUT.includes(name));
  return (rng) => {
    const word = () => pick([() => pick(WORDS, rng), () => oddText(rng), () => `${oddNumber(rng)}`], rng)();
    const words = some(6, () => (rng() < 0.6 ? [pick(OPTIONS, rng), word()] : [word()]), rng).flat();
    const command = rng() < 0.4 ? [pick(commands, rng)] : [];
    const line = [...command, ...words].filter((one) => !one.includes('://') && !one.startsWith('hf:'));
    return tried({
      files: { 'case.txt': 'Once' },
      lines: [[...line, '--offline', '-n', `${below(4, rng)}`, '-c', '256']],
    });
  };
};
