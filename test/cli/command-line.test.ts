import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readArguments } from '../../src/cli/arguments.js';
import { createCommand } from '../../src/cli/command.js';
import { COMMANDS } from '../../src/cli/commands/index.js';
import { LLAMA_CPP_OPTIONS } from '../../src/cli/llama-cpp-options.js';
import { isSwitch } from '../../src/cli/settings/names.js';
import { parsed, typedOptions } from '../support/parsed.js';
import { ioInMemory, runInProcess } from '../support/run-in-process.js';

const CASES = 10_000;
const TRAPS = [
  'constructor',
  'valueOf',
  '__proto__',
  'hasOwnProperty',
  'a=b',
  '=',
  '',
  '-',
  '-5',
  '-.5e3',
  'ls',
];
const word = fc.oneof(
  fc.constantFrom(...TRAPS),
  fc.string({ unit: 'grapheme' }).filter((text) => !text.startsWith('-')),
);
/** What may stand behind an option that takes a value. */
const value = fc.oneof(word, fc.constantFrom('--', ...LLAMA_CPP_OPTIONS.keys()));

describe('what is no option comes back as it is', async () => {
  const program = await createCommand('generate', ioInMemory(), COMMANDS);
  const texts = program.options.filter((option) => !isSwitch(option) && option.long !== '--system'); // -s 42
  const switches = program.options.filter(isSwitch);
  const piece = fc.oneof(
    word.map((text) => ({ typed: [text], options: [], words: [text] })),
    fc.constantFrom(...switches).map(({ long }) => ({ typed: [long!], options: [long!], words: [] })),
    fc.tuple(fc.constantFrom(...texts), value).map(([{ short, long }, text]) => ({
      typed: [short ?? long!, text],
      options: [long!, text],
      words: [],
    })),
    fc.tuple(fc.constantFrom(...texts), value).map(([{ long }, text]) => ({
      typed: [`${long}=${text}`],
      options: [long!, text],
      words: [],
    })),
  );

  test(`${CASES} command lines of words, switches and options with values`, () => {
    fc.assert(
      fc.property(fc.array(piece), fc.option(fc.array(value)), (pieces, literal) => {
        const typed = pieces.flatMap((one) => one.typed);
        const read = readArguments(program, literal ? [...typed, '--', ...literal] : typed);
        expect(read).toEqual({
          options: pieces.flatMap((one) => one.options),
          words: pieces.flatMap((one) => one.words),
          literal: literal ?? [],
          filesRead: [],
        });
      }),
      { numRuns: CASES },
    );
  });

  test('and so does Commander take them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(word), value, fc.array(value), async (words, text, literal) => {
        fc.pre(words.length + literal.length !== 1 && words[0] !== 'help');
        const line = ['--max-tokens', '3', ...words, '--prompt', text, '--', ...literal];
        const command = await parsed(line);
        expect(command.args).toEqual([...words, ...literal]);
        expect(typedOptions(command)).toEqual({ maxTokens: 3, prompt: text });
      }),
      { numRuns: 200 },
    );
  });
});

test.each([
  [['what', 'does', 'toString', 'do'], {}, ['what', 'does', 'toString', 'do']],
  [['constructor'], {}, ['constructor']],
  [['generate', 'benchmark'], {}, ['benchmark']],
  [['--seed', '1', 'generate', 'a', 'list'], { seed: 1 }, ['generate', 'a', 'list']],
  [['--', 'help'], {}, ['help']],
  [['--', 'benchmark'], {}, ['benchmark']],
  [['run', 'away'], {}, ['run', 'away']],
  [['-p', '-fa'], { prompt: '-fa' }, []],
  [['--stop', '--temp', '--temp', '0.5', '--', '--temp'], { stop: ['--temp'], temperature: 0.5 }, ['--temp']],
  [['-m', '-hf', 'a', 'b'], { model: '-hf' }, ['a', 'b']],
  [['-n20', '-k4', '-t1', 'A'], { maxTokens: 20, draftLength: 4, threads: 1 }, ['A']],
  [['-n=20', '-m=a.gguf', 'A'], { maxTokens: 20, model: 'a.gguf' }, ['A']],
  [['-qv', 'A'], { quiet: true, verbose: true }, ['A']],
  [['benchmark', '-k2,4', '-r3'], { draftLength: [2, 4], repetitions: 3 }, []],
  [['chat', '-sys', 'Be brief', 'Hello', '-fa', 'on'], { system: 'Be brief', flashAttn: 'on' }, ['Hello']],
  [['inspect', '-ctx_size=1', '-c', '4096'], undefined, []],
  [['--draft_length', '3', '--n_predict=5', 'a_b'], { draftLength: 3, maxTokens: 5 }, ['a_b']],
] as const)('%j is read as %j and %j', async (args, options, words) => {
  if (!options) return expect(parsed(args)).rejects.toThrow("unknown option '-ctx_size=1'");
  const program = await parsed(args);
  expect(typedOptions(program)).toEqual(options);
  expect(program.args).toEqual(words);
});

test.each([
  [['-otext', 'A'], "unknown option '-otext'; did you mean --output text?"],
  [['-o=', '-model', 'a.gguf'], "unknown option '-model'; did you mean --model?"],
  [['-temp', '0.5'], "unknown option '-temp'; did you mean --temperature?"],
  [['-xyz'], "unknown option '-xyz'"],
  [['-ngl99', 'hi'], "unknown option '-ngl99'; did you mean --gpu-layers 99?"],
  [['-systext', 'A'], "unknown option '-systext'; did you mean --system text?"],
  [['--perf=off', 'A'], "unknown option '--perf=off'"],
  [['-st=false', 'A'], "unknown option '-st=false'"],
  [['--no-warmup=0', 'A'], "unknown option '--no-warmup=0'"],
  [['-s', '42', 'A'], '-s is --system here: for a seed, use --seed 42; for this system text, --system 42'],
  [['-s42', 'A'], '-s is --system here'],
  [['chat', '-s=-1', 'A'], 'use --seed -1'],
  [['--draft', '8', 'A'], '--draft names the draft model; tokens per step are --draft-length 8'],
  [['-dev', 'none'], "llama.cpp's -dev is not in mtad: the device is --gpu <device>, and --gpu off is none"],
  [['-fit', 'off'], "llama.cpp's -fit is not in mtad"],
  [['inspect', '--temp', '0'], "llama.cpp's --temp is --temperature here, which mtad inspect does not take"],
  [['--n-predict', '0'], '--max-tokens'],
  [['--model'], 'argument missing'],
  [['-hf'], 'argument missing'],
  [['--no-such-option', 'A'], "unknown option '--no-such-option'"],
  [['--threshhold', '1'], 'Did you mean --threshold?'],
  [['--json=1'], "unknown option '--json=1'"],
  [['--seed', '1', 'benchmark'], 'stands first'],
  [['genrate'], 'did you mean generate?'],
  [['bench'], 'mtad benchmark'],
  [['ls'], 'mtad list'],
  [['-q', 'list'], 'stands first'],
  [['ps', '-q'], 'mtad serve'],
  [['run'], 'mtad chat'],
  [['-q', 'rm'], 'stands first'],
  [['show'], 'mtad inspect'],
  [['version'], 'mtad --version'],
  [['-n', '3', 'serve'], 'stands first'],
])('%j is refused: %s', async (args, message) => {
  await expect(parsed(args)).rejects.toThrow(message);
});

test.each([
  '-x marks the spot',
  '- buy milk',
  '-nobody knows',
  '-fast',
  '-nglall',
  '-paint it black',
  '-st=false',
])('%j is refused with a word on how to begin a prompt so, and no guess', async (arg) => {
  expect(await runInProcess([arg])).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: `mtad: unknown option '${arg}'\n(mtad --help lists the options; -p takes a prompt that begins with -)\n`,
  });
});

test.each([[['benchmark', 'help']], [['benchmark', '--json', 'help']], [['help']], [['--usage']]])(
  '%j is help',
  async (args) => {
    await expect(parsed(args)).rejects.toThrow('(outputHelp)');
  },
);
