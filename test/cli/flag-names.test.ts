import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createCommand } from '../../src/cli/command.js';
import { COMMANDS } from '../../src/cli/commands/index.js';
import { FLAG_OF, inFlags } from '../../src/cli/flag-names.js';
import { parseSettings } from '../../src/generation/parse-settings.js';
import { checkRunOptions } from '../../src/generation/run-options.js';
import { ioInMemory, runInProcess } from '../support/run-in-process.js';

const FILES = (readdirSync('src', { recursive: true }) as string[])
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts') && !file.startsWith('cli/'));

/** What a file says, its comments left out. */
const code = (file: string) =>
  readFileSync(`src/${file}`, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/ .*$/gm, '');

/** Names between backquotes in the texts of a file: `name` between single quotes, \`name\` in a template. */
const namesIn = (file: string) => [
  ...[...code(file).matchAll(/'[^'\n]*'/g)].flatMap(([text]) => [...text.matchAll(/`(\w+)`/g)]),
  ...code(file).matchAll(/\\`(\w+)\\`/g),
];

describe('a message of the library', () => {
  it.each([
    ['raise the context size (`contextSize`)', 'raise the context size (--ctx-size)'],
    ['`ignoreEos` forbids the end', '--ignore-eos forbids the end'],
    ['use `cacheType` f16 or `flashAttention` auto', 'use --cache-type f16 or --flash-attn auto'],
    ['`draftFrom` lookup', '--draft lookup'],
    ['`stop.1` must be a text that is not empty', '--stop.1 must be a text that is not empty'],
    ['no rule `root`', 'no rule `root`'],
    ['the model wrote "`seed` \\" `seed`", not `seed`', 'the model wrote "`seed` \\" `seed`", not --seed'],
    ['/models/`model.gguf', '/models/`model.gguf'],
  ])('%s becomes %s on the command line', (message, shown) => expect(inFlags(message)).toBe(shown));

  it('names settings to users of the library, and options to people at the command line', async () => {
    const refused = () => parseSettings({ grammar: { gbnf: 'root ::= "a"' }, ignoreEos: true });
    expect(refused).toThrow(/`ignoreEos`/);
    expect(() => checkRunOptions({ cacheType: 'q8_0', flashAttention: false })).toThrow(
      /use `cacheType` f16/,
    );
    expect(() => parseSettings({ strategy: 'speculative', clip: true })).toThrow(/^`clip` changes/);
    const { stderr } = await runInProcess(['--strategy', 'speculative', '--clip', 'A prompt']);
    expect(stderr).toMatch(/^mtad: --clip changes the rule of [^\n`]*\n$/);
  });
});

describe('the names that become options', () => {
  it('are options of some command, each of them', async () => {
    const programs = await Promise.all(
      [...COMMANDS.keys()].map((name) => createCommand(name, ioInMemory(), COMMANDS)),
    );
    const known = new Set(programs.flatMap(({ options }) => options.map(({ long }) => long)));
    for (const flag of FLAG_OF.values()) expect(known).toContain(flag);
  });

  it('are all that the library writes between backquotes', () => {
    const names = FILES.flatMap((file) => namesIn(file).map(([, name]) => name!));
    expect(new Set(names)).toContain('contextSize');
    for (const name of names) expect([...FLAG_OF.keys()]).toContain(name);
  });

  it('are how the library speaks of options, save for those of mtad that write a file', () => {
    const spelt = FILES.filter((file) => !/^(benchmark\/out\/page|explain)\//.test(file)) // variables of style sheets
      .flatMap((file) => [
        ...code(file).matchAll(/(?<!mtad |mtad benchmark |mtad learn |[\w-])--[a-z][\w-]*/g),
      ])
      .map(([flag]) => flag);
    expect(spelt).toEqual(['--max-old-space-size']); // an option of Node
  });
});
