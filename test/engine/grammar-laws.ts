import { describe, expect, it, vi } from 'vitest';
import type { Engine, Grammar, GrammarSource, GrammarState, Model } from '../../src/engine/port.js';
import { UsageError } from '../../src/errors.js';
import type { TokenId } from '../../src/types.js';
import { ALL, chain, decode, forget, withContext } from './rows.js';

/** Laws of an engine's grammars. */
export function grammarLaws(engine: () => Engine, model: () => Model): void {
  const vocabulary = (): TokenId[] => Array.from({ length: 2048 }, (_, token) => token);
  const isEnd = (token: TokenId) => model().tokenizer.isEndOfGeneration(token);
  const textOf = (tokens: readonly TokenId[]) =>
    model().tokenizer.decode(tokens, model().tokenizer.encode('Once'));
  const only = async (grammar: Grammar) => {
    const state = grammar.start();
    return vocabulary().filter((token) => state.allows(token));
  };

  describe('grammars', () => {
    const chainOf = (state: GrammarState, token: TokenId, length: number): GrammarState =>
      length === 0 ? state : chainOf(state.after(token), token, length - 1);

    it('allow the tokens that a text of theirs may begin with', async () => {
      const allowed = await only(await model().createGrammar({ gbnf: 'root ::= "once" [0-9]' }));
      expect(allowed.length).toBeGreaterThan(1);
      for (const token of allowed) expect('once'.startsWith(textOf([token]))).toBe(true);
    });

    it('allow the end where the text is complete, and nothing else where nothing else can follow', async () => {
      const grammar = await model().createGrammar({ gbnf: 'root ::= "a" "b"?' });
      const [a] = vocabulary().filter((token) => textOf([token]) === 'a');
      const state = grammar.start();
      expect(state.isComplete).toBe(false);
      expect(vocabulary().filter((token) => state.allows(token) && isEnd(token))).toEqual([]);
      const after = state.after(a!);
      expect(after.isComplete).toBe(true);
      const [b] = vocabulary().filter((token) => after.allows(token) && textOf([token]) === 'b');
      expect(
        vocabulary()
          .filter((token) => after.after(b!).allows(token))
          .every(isEnd),
      ).toBe(true);
      expect(state.isComplete).toBe(false); // states never change
    });

    it('take control tokens for no text', async () => {
      const allowed = await only(await model().createGrammar({ gbnf: 'root ::= .*' }));
      expect(allowed.length).toBeGreaterThan(1900);
      for (const token of allowed) expect(isEnd(token) || textOf([token]) !== '').toBe(true);
    });

    it('say nothing of what comes after the end, and after what was not allowed', async () => {
      const state = (await model().createGrammar({ gbnf: 'root ::= "a"?' })).start();
      const end = vocabulary().find(isEnd)!;
      const forbidden = vocabulary().find((token) => !state.allows(token))!;
      for (const token of [end, forbidden]) expect(state.after(token).after(token).allows(5)).toBe(true);
    });

    it('end a value of a JSON schema with the end token, and with no newlines', async () => {
      let state = (await model().createGrammar({ jsonSchema: { const: 1 } })).start();
      const one = vocabulary().find((token) => state.allows(token))!;
      state = state.after(one);
      const allowed = vocabulary().filter((token) => state.allows(token));
      expect(allowed.length).toBeGreaterThan(0);
      expect(allowed.every(isEnd)).toBe(true);
    });

    it.each([
      { type: 'integer', text: '1e', fits: false },
      { type: 'number', text: '1e', fits: true },
      { type: 'number', text: '1e999', fits: false },
    ])('have $type begin with $text: $fits', async ({ type, text, fits }) => {
      let state = (await model().createGrammar({ jsonSchema: { type } })).start();
      let allowed = true;
      for (const character of text) {
        const token = vocabulary().find((token) => textOf([token]) === character)!;
        allowed &&= state.allows(token);
        state = state.after(token);
      }
      expect(allowed).toBe(fits);
    });

    /** Whether a text is what the grammar asks for, token by token. */
    const accepts = async (source: GrammarSource, text: string) => {
      const { tokenizer } = model();
      let state = (await model().createGrammar(source)).start();
      let written = '';
      while (written !== text) {
        const next = vocabulary().find((token) => {
          const more = textOf([token]);
          return more !== '' && text.startsWith(written + more) && !isEnd(token) && state.allows(token);
        });
        if (next === undefined) return false;
        written += tokenizer.decode([next], tokenizer.encode('Once'));
        state = state.after(next);
      }
      return state.isComplete;
    };

    it.each(['bell\x07', '\b\f\v', 'escape \x1B[1m', 'del \x7F', 'half \ud83d', 'back\\slash', 'a\nb\tc'])(
      'escape in the value and the name %j what JSON must escape',
      async (value) => {
        const name = JSON.stringify(value).replaceAll(
          /\\[bf]/g,
          (short) => ({ '\\b': '\\u0008', '\\f': '\\u000c' })[short]!,
        );
        expect(JSON.parse(name)).toBe(value);
        expect(await accepts({ jsonSchema: { const: value } }, name)).toBe(true);
        const object = { type: 'object', properties: { [value]: { enum: [value, 1] } } };
        expect(await accepts({ jsonSchema: object }, `{${name}:${name}}`)).toBe(true);
      },
    );

    it('take any branch of "anyOf", wherever it stands', async () => {
      const anyOf = [{ const: 'a' }, { anyOf: [{ const: 1 }, { type: 'null' }] }];
      const schemas = [
        [anyOf[0]!, ['"a"']],
        [{ anyOf }, ['"a"', '1', 'null']],
        [{ type: 'array', prefixItems: [{ anyOf }], maxItems: 1 }, ['["a"]', '[null]']],
        [{ type: 'object', properties: { anyOf: { anyOf } } }, ['{"anyOf":1}', '{"anyOf":"a"}']],
        [{ type: 'object', additionalProperties: { anyOf }, maxProperties: 1 }, ['{"x":null}']],
        [{ $defs: { x: { anyOf } }, type: 'array', items: { $ref: '#/$defs/x' } }, ['["a",1,null]']],
      ] as const;
      for (const [jsonSchema, texts] of schemas) {
        for (const text of texts) expect(await accepts({ jsonSchema }, text)).toBe(true);
        expect(await accepts({ jsonSchema }, '2')).toBe(false);
      }
    });

    it.each(['<s>', '</s>', '</s>!', 'a </s> b<s>', '<unk>'])(
      'take %j in a literal for letters',
      async (text) => {
        const gbnf = `root ::= ${JSON.stringify(text)}`;
        for (const source of [{ gbnf }, { jsonSchema: { const: text } }])
          expect(await accepts(source, 'gbnf' in source ? text : JSON.stringify(text))).toBe(true);
        const allowed = await only(await model().createGrammar({ gbnf }));
        for (const token of allowed) expect(text.startsWith(textOf([token]) || '?')).toBe(true);
      },
    );

    it('have tokens by name and by id, of those that are text', async () => {
      const token = vocabulary().find((token) => textOf([token]) === ' there')!;
      expect(await only(await model().createGrammar({ gbnf: `root ::= <[${token}]> "!"` }))).toEqual([token]);
      const others = await only(await model().createGrammar({ gbnf: `root ::= !<[${token}]> "!"` }));
      expect(others.length).toBeGreaterThan(1900);
      expect(others).not.toContain(token);
      expect(others.filter((other) => isEnd(other) || textOf([other]) === '')).toEqual([]);
      // in a literal, a range or a comment it is none
      const none = 'root ::= "<[99999]>" [<>] # <none>';
      expect(await accepts({ gbnf: none }, '<[99999]><')).toBe(true);
      await model().createGrammar({ gbnf: 'root ::= !</s> "a"' });
    });

    it.each(['<[2048]>', '<[4294967296]>', '<none>', '<|im_end|>', '!<none>'])(
      'name %s, which is no token',
      async (name) => {
        const gbnf = `root ::= "a" ${name}`;
        const message = `The grammar names ${name.replace('!', '')}, which is no token of this model`;
        await expect(model().createGrammar({ gbnf })).rejects.toThrow(new UsageError(message));
      },
    );

    it.each(['<s>', '</s>', '<[1]>', '<[2]>', '<unk>'])('name %s, which is never written', async (name) => {
      const gbnf = `root ::= "a" | ${name} "b"`;
      await engine().checkGrammar({ gbnf }); // it takes a model to know
      await expect(model().createGrammar({ gbnf })).rejects.toThrow(/names <.*>, a control token/);
    });

    it('are refused where llama.cpp would end the process, or stop reading', async () => {
      const nested = (n: number) => ({ gbnf: `root ::= ${'('.repeat(n)}"a"${')'.repeat(n)}` });
      const linked = (n: number, ruleOf: (next: string) => string) =>
        `root ::= a0\n${Array.from({ length: n }, (_, i) => `a${i} ::= ${ruleOf(`a${i + 1}`)}\n`).join('')}a${n} ::= "a"\ne ::= "e" |`;
      const chain = (n: number) => ({ gbnf: linked(n, (next) => next) });
      const long = { gbnf: `root ::= "${'a'.repeat(2e6)}"` };
      const cut = { gbnf: 'root ::= "a"\n\0other ::= "' };
      const brackets = { gbnf: linked(500, (next) => `${'('.repeat(199)}${next}${')'.repeat(199)}`) };
      const stars = { gbnf: linked(9_000, (next) => `${'"a"* '.repeat(20)}${next}`) };
      const counts = { gbnf: linked(60, (next) => `e {0,1999} ${next}`) };
      const copies = { gbnf: linked(60, (next) => `e {1999} ${next}`) };
      const text = { gbnf: linked(600, (next) => `"a" {0,1999} ${next}`) };
      const upsideDown = { gbnf: 'root ::= "a"{ 3, 1 }' };
      const several = [upsideDown, chain(100_000), chain(20_000), brackets, stars, counts, copies, text];
      for (const source of [nested(60_000), nested(201), ...several, long, cut])
        await expect(engine().checkGrammar(source)).rejects.toThrow(/^The grammar (nests|has|is longer)/);
      const many = { gbnf: linked(20, (next) => `"a" {0,1999} [b] {1999} e {0,900} ${next}`) };
      for (const source of [nested(200), chain(15_000), many]) await engine().checkGrammar(source);
      await engine().checkGrammar({
        gbnf: `root ::= "${'('.repeat(300)}" [${'('.repeat(300)}] #${'('.repeat(300)}`,
      });
    });

    it('are refused where llama.cpp would keep more ways apart than it can follow', async () => {
      const twice = (n: number) => {
        const rules = Array.from({ length: n }, (_, i) => `r${i} ::= r${i + 1} "+" r0 | r${i + 1}`);
        return `root ::= "x" r0\n${rules.join('\n')}\nr${n} ::= [a-z]`;
      };
      const tooMany = [
        `root ::= "x" ${'[a-z]?'.repeat(1_000)}`,
        `root ::= (${'[a-z] * [0-9]{0,} .? '.repeat(20)})`,
        `root ::= ${'a? '.repeat(60)} # words\na ::= "a"`,
        `root ::= ${'"a" | '.repeat(20_000)}"b"`,
        twice(40),
      ];
      for (const gbnf of tooMany)
        await expect(engine().checkGrammar({ gbnf })).rejects.toThrow(
          /^The grammar has more than \d+ (ways|opt)/,
        );
      const each = (write: (i: number) => string) => Array.from({ length: 200 }, (_, i) => write(i));
      const options = each((i) => `("--option-${i}" " "+)? "[a-z]?" word-${i}?`).join(' ');
      const words = each((i) => `word-${i} ::= "${i}"`).join('\n');
      const few = [
        'root ::= [a-z]{0,1000} [{3,1}] "{3,1}"{10,11}',
        `root ::= ${'[a-z]?'.repeat(50)}`,
        twice(10),
      ];
      for (const gbnf of [...few, `root ::= ${options}\n${words}`]) await engine().checkGrammar({ gbnf });
    });

    it('are given up where their ways double with each token, before a token takes for ever', async () => {
      const grammar = await model().createGrammar({ gbnf: 'root ::= "(" root ")" | "(" root "]"' });
      const [open] = vocabulary().filter((token) => textOf([token]) === '(');
      const some = chainOf(grammar.start(), open!, 8);
      const clock = vi.spyOn(performance, 'now').mockReturnValueOnce(0).mockReturnValueOnce(6000);
      try {
        expect(() => some.after(open!)).not.toThrow(); // the process slept
        clock.mockReturnValueOnce(0).mockReturnValueOnce(6000);
        const processor = vi.spyOn(process, 'cpuUsage').mockReturnValue({ user: 6e6, system: 0 });
        try {
          expect(() => some.after(open!)).toThrow(/so many ways to go on .* took 6 s/);
        } finally {
          processor.mockRestore();
        }
      } finally {
        clock.mockRestore();
      }
      expect(some.after(open!).allows(open!)).toBe(true); // what was reached stays
    });

    it('take a schema as deep, and as large, as is allowed', async () => {
      let nested: Record<string, unknown> = { type: 'null' };
      for (let level = 1; level < 200; level++)
        nested = level % 2 ? { type: 'array', items: nested } : { type: 'object', properties: { a: nested } };
      await engine().checkGrammar({ jsonSchema: nested });
      await engine().checkGrammar({
        jsonSchema: { enum: Array.from({ length: 9_000 }, (_, i) => `word ${i}`) },
      });
    });

    it.each([
      { problem: 'a syntax error', gbnf: 'root ::= "a' },
      { problem: 'no root', gbnf: 'other ::= "a"' },
      { problem: 'left recursion', gbnf: 'root ::= root "a"' },
    ])('are refused for $problem', async ({ gbnf }) => {
      await expect(engine().checkGrammar({ gbnf })).rejects.toThrow(UsageError);
      await expect(model().createGrammar({ gbnf })).rejects.toThrow(/grammar/);
    });

    it('are checked without a word where nothing is wrong', async () => {
      await engine().checkGrammar({ gbnf: 'root ::= "a"' });
      await engine().checkGrammar({ jsonSchema: { type: 'object' } });
    });
  });

  describe('masks', () => {
    const prompt = () => model().tokenizer.encode('Once upon a time there was a little');
    const every = (n: number) => ({ allows: (token: TokenId) => token % n === 0 });

    it('leave of a row what they allow, each at its own token', async () => {
      const tokens = prompt();
      const last = tokens.length - 1;
      await withContext(model(), { capacity: tokens.length, sequences: 1 }, async (context) => {
        const whole = await decode(context, chain(tokens), ALL);
        await forget(context, 0, 0);
        const batch = chain(tokens).map((item, i) => ({ ...item, mask: every(i + 1) }));
        for (const top of [0, 3]) {
          const rows = await decode(context, batch, { top, logSumExp: true });
          await forget(context, 0, 0);
          for (const [i, row] of rows.entries()) {
            const expected = [...whole[i]!.tokens].filter((token) => token % (i + 1) === 0);
            expect([...row.tokens]).toEqual(expected.slice(0, top || expected.length));
          }
          // Raw likelihoods are those of the whole vocabulary.
          const { tokens: listed, logits, logSumExp } = rows[last]!;
          const at = whole[last]!.tokens.indexOf(listed[0]!);
          const raw = whole[last]!.logits;
          const sum = Math.log(raw.reduce((all, logit) => all + Math.exp(logit - raw[at]!), 0));
          expect(logits[0]! - logSumExp!).toBeCloseTo(-sum, 3);
        }
      });
    });

    it('that allow nothing leave nothing', async () => {
      const tokens = prompt();
      await withContext(model(), { capacity: tokens.length, sequences: 1 }, async (context) => {
        const batch = chain(tokens).map((item) => ({ ...item, mask: { allows: () => false } }));
        const rows = await decode(context, batch, { top: 5, logSumExp: false });
        expect(rows.map(({ tokens }) => tokens.length)).toEqual(tokens.map(() => 0));
      });
    });
  });
}
