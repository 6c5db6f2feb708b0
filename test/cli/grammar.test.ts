import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInProcess } from '../support/run-in-process.js';

const FILES = {
  'deep.json': `${'{"anyOf":['.repeat(60_000)}{}${']}'.repeat(60_000)}`,
  'deep.gbnf': `root ::= ${'('.repeat(60_000)}"a"${')'.repeat(60_000)}\n`,
  'person.json':
    '{"type":"object","properties":{"name":{"type":"string","maxLength":8},"age":{"enum":[1,2]}}}',
  'optional.json':
    '{"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"}},"required":["b"]}',
  'marked.json': '\uFEFF{"type":"object","properties":{"a":{"type":"null"}}}',
  'latin.json': Buffer.from('{"const":"caf\xe9"}', 'latin1'),
  'pattern.json': '{"type":"array","items":{"type":"string","pattern":"(?=a)"}}',
  'list.json': '[]',
  'marked.gbnf': '\uFEFFroot ::= "Yes"\n',
  'empty.gbnf': '# nothing yet\n',
  'yes.gbnf': 'root ::= "Yes" | "No"\n',
  'endless.gbnf': 'root ::= [a-z ]+ "!"\n',
  'rootless.gbnf': 'other ::= "a"\n',
  'broken.gbnf': 'root ::= "a\n',
};

describe('mtad --json-schema and --grammar', () => {
  const home = process.cwd();
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mtad-grammar-'));
    for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
    process.chdir(folder);
  });
  afterAll(() => {
    process.chdir(home);
    rmSync(folder, { recursive: true });
  });
  const write = (...args: string[]) => runInProcess([...args, '--seed', '1', 'Once upon a time']);

  it('write JSON that obeys a schema, and nothing else', async () => {
    const { stdout, stderr, exitCode } = await write('--json-schema', 'person.json');
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(Object.keys(JSON.parse(stdout))).toEqual(['name', 'age']);
  });

  it('write what a grammar allows, and say which in the JSON', async () => {
    const { stdout, exitCode } = await write('--grammar', 'yes.gbnf', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      text: expect.stringMatching(/^(Yes|No)$/),
      finish_reason: 'eos',
      grammar_complete: true,
      params: { grammar: 'yes.gbnf', json_schema: null },
    });
  });

  it.each([
    ['endless.gbnf', false],
    [undefined, null],
  ])('say in the JSON whether %s is complete: %s', async (grammar, complete) => {
    const constraint = grammar === undefined ? [] : ['--grammar', grammar];
    const { stdout } = await write(...constraint, '-n', '3', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ finish_reason: 'length', grammar_complete: complete });
  });

  it('take the grammar or the schema itself, and say so in the JSON', async () => {
    const gbnf = 'root ::= word "!"\nword ::= "Yes" # no other';
    const written = await write('--grammar', gbnf, '--json', '-o', 'written.json');
    expect(written).toMatchObject({ stdout: '', stderr: '', exitCode: 0 });
    const object = JSON.parse(readFileSync(join(folder, 'written.json'), 'utf8'));
    expect(object).toMatchObject({ text: 'Yes!', params: { grammar: gbnf } });
    const schema = ' {"anyOf": [{"const": "\\u001b<|im_end|>"}, {"const": "\\u001b</s>"}]}';
    const { stdout } = await write('--json-schema', schema, '--json');
    const { text, params } = JSON.parse(stdout);
    expect(['\x1b<|im_end|>', '\x1b</s>']).toContain(JSON.parse(text));
    expect(params.json_schema).toBe(schema);
  });

  it('read files that begin with a byte order mark', async () => {
    expect((await write('--grammar', 'marked.gbnf')).stdout).toBe('Yes');
    expect(JSON.parse((await write('--json-schema', 'marked.json')).stdout)).toEqual({ a: null });
  });

  it('say what is written although the schema does not require it', async () => {
    const { stdout, stderr } = await write('--json-schema', 'optional.json');
    expect(stderr).toBe('mtad: warning: optional.json: all properties at # are always written, also a\n');
    expect(JSON.parse(stdout)).toEqual({ a: null, b: null });
  });

  it('say so when the text ends too early', async () => {
    const { stderr, exitCode } = await write('--grammar', 'endless.gbnf', '-n', '3');
    expect(stderr).toBe('mtad: the text ended before the grammar was complete; raise --max-tokens\n');
    expect(exitCode).toBe(0);
  });

  it.each([
    [['--json-schema', 'pattern.json'], /^mtad: JSON schema at #\/items: "pattern" .*\n$/],
    [
      ['--json-schema', '{"type": "array", "items": {"pattern": "a"}}'],
      /^mtad: JSON schema at #\/items: .*\n$/,
    ],
    [['--json-schema', '{"type": '], /^mtad: the JSON schema is not JSON: .*\n$/],
    [['--json-schema', '{"type":\r\n d}'], /^mtad: the JSON schema is not JSON: .*\n$/],
    [['--json-schema', '{"const": 9007199254740993}'], /^mtad: JSON schema at #: numbers beyond .*\n$/],
    [['--json-schema', 'deep.json'], /^mtad: JSON schema at #: it is nested deeper than 200 levels\n$/],
    [['--grammar', 'deep.gbnf'], /^mtad: The grammar nests brackets deeper than 200; .*\n$/],
    [['--grammar', 'root ::= "a" </s>'], /^mtad: The grammar names <\/s>, a control token.*\n$/],
    [['--json-schema', 'list.json'], /^mtad: list.json must hold a JSON schema.*\n$/],
    [['--json-schema', 'yes.gbnf'], /^mtad: yes.gbnf is not JSON: .*\n$/],
    [['--json-schema', 'latin.json'], /^mtad: latin.json is not valid UTF-8 text.*\n$/],
    [['--json-schema', '-'], /^mtad: Grammars and schemas are read from files.*\n$/],
    [['--grammar', 'empty.gbnf'], /^mtad: empty.gbnf has no rule; .*\n$/],
    [['--grammar', 'none.gbnf'], /^mtad: Cannot read none.gbnf: .*\n$/],
    [['--grammar', '/dev/zero'], /^mtad: \/dev\/zero has more than 16777216 bytes; give a grammar.*\n$/],
    [['--json-schema', '/dev/zero'], /^mtad: \/dev\/zero has more than 16777216 bytes.*\n$/],
    [['--chat', '--chat-template-file', '/dev/zero'], /^mtad: \/dev\/zero has more than 16777216 bytes.*\n$/],
    [['--grammar', 'rootless.gbnf'], /^mtad: llama.cpp cannot read the grammar: .*root.*\n$/],
    [['--grammar', 'broken.gbnf'], /^mtad: llama.cpp cannot read the grammar: .*before this line\n$/],
    [['--grammar', 'yes.gbnf', '--ignore-eos'], /--grammar.*cannot be used with.*--ignore-eos/],
    [
      ['--grammar', 'yes.gbnf', '--json-schema', 'person.json'],
      /--json-schema.*cannot be used with.*--grammar/,
    ],
    [['--grammar', 'yes.gbnf', '-o', 'yes.gbnf'], /yes.gbnf/],
  ])('refuse %j', async (args, message) => {
    const { stdout, stderr, exitCode } = await write(...args);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toMatch(message);
  });
});
