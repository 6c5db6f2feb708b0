import { describe, expect, it } from 'vitest';
import { type Look, type TextPiece, TextStream } from '../../src/text/text-stream.js';
import { BYTE_END, FIRST_PIECE, fakeTokenizer } from '../support/fake-tokenizer.js';

const TOKENIZER = fakeTokenizer();
const PROMPT = TOKENIZER.encode('Say:');

const join = (pieces: readonly TextPiece[]) => pieces.map(({ text }) => text).join('');

/** The text of these tokens in steps of so many, up to the stop or the end, and whether it stopped. */
function written(
  tokens: readonly number[],
  stops: readonly string[],
  perStep: number,
  tokenizer = TOKENIZER,
) {
  const stream = new TextStream(tokenizer, PROMPT, stops);
  let text = '';
  for (let i = 0; i < tokens.length; i += perStep) {
    const stopped = tokens.slice(i, i + perStep).some((token) => stream.add(token));
    text += join(stream.take(0));
    if (stopped) return { text, stopped, tokens: i };
  }
  return { text: text + join(stream.end()), stopped: false };
}

describe('TextStream', () => {
  it.each([1, 2, 3, 5])('gives the whole text, however many tokens a step has: %d', (perStep) => {
    const text = 'Grüße, 日本 😀, stop not';
    expect(written(TOKENIZER.encode(text), ['stop!'], perStep)).toEqual({ text, stopped: false });
  });

  it.each([1, 2, 3, 5])('ends before a stop string, however it is spread over steps of %d', (perStep) => {
    const result = written(TOKENIZER.encode('日本 stop here'), ['stop'], perStep);
    expect(result).toMatchObject({ text: '日本 ', stopped: true });
  });

  describe('with control tokens', () => {
    const [USER, THINK, UNTHINK, OTHER] = [0, 1, 2, 3].map((i) => FIRST_PIECE + i) as [
      number,
      number,
      number,
      number,
    ];
    const tokenizer = fakeTokenizer('<|user|>', '<think>', '</think>', '<|other|>');
    const reasoning = { start: '<think>', end: '</think>', isOpen: false, isOfTemplate: true };
    const text = (words: string) => tokenizer.encode(words);
    const shown = (tokens: readonly number[], stops: readonly string[] = [], look: Look = {}) => {
      const stream = new TextStream(tokenizer, PROMPT, stops, look);
      const end = tokens.findIndex((token) => stream.add(token));
      const pieces = [...stream.take(0), ...stream.end(end !== -1)];
      return {
        text: join(pieces),
        reasoning: join(pieces.filter(({ isReasoning }) => isReasoning)),
        tokens: end === -1 ? tokens.length : end + 1,
      };
    };

    it('hides them, or shows their names', () => {
      const tokens = [...text('a'), OTHER, ...text('b'), USER];
      expect(shown(tokens).text).toBe('ab');
      expect(shown(tokens, [], { special: true }).text).toBe('a<|other|>b<|user|>');
      expect(shown([OTHER, ...text('日本')], [], { special: true }).text).toBe('<|other|>日本');
    });

    it('shows what was held back before a name', () => {
      expect(shown([...text('a'), 0xf0, USER, ...text('b')], [], { special: true }).text).toBe(
        'a\uFFFD<|user|>b',
      );
      expect(shown([...text('st'), USER], ['stop'], { special: true }).text).toBe('st<|user|>');
    });

    it.each([false, true])(
      'stops at one that is named, and at the same words in text; shown: %s',
      (special) => {
        const words = text('Hi. <|user|>no');
        expect(shown(words, ['<|user|>'], { special })).toMatchObject({
          text: 'Hi. ',
          tokens: words.length - 2,
        });
        const token = [...text('Hi.'), USER, ...text('no')];
        expect(shown(token, ['<|user|>'], { special })).toMatchObject({ text: 'Hi.', tokens: 4 });
        expect(shown(token, ['|user|'], { special }).tokens).toBe(special ? 4 : token.length);
        expect(shown(token, ['Hi.<|user|>n'], { special }).text).toBe(special ? '' : 'Hi.no');
      },
    );

    it('loses nothing of what it held back when such a token comes', () => {
      expect(shown([...text('the <|us'), USER], ['<|user|>']).text).toBe('the <|us');
      expect(shown([...text('a'), 0xf0, USER], ['<|user|>']).text).toBe('a\uFFFD');
    });

    it('stops at nothing that only looks like the end of a turn', () => {
      const words = 'The mark <|user|> ends a turn.';
      expect(shown([...text(words), OTHER, ...text('!')])).toEqual({
        text: `${words}!`,
        reasoning: '',
        tokens: 32,
      });
    });

    it.each([
      ['tokens', [THINK, ...text('why'), UNTHINK, ...text('\nso')]],
      ['text', text('<think>why</think>\nso')],
      ['both', [...text('<think>why'), UNTHINK, ...text('\nso')]],
    ])('tells reasoning from the answer by marks that are %s', (_, tokens) => {
      expect(shown(tokens, [], { reasoning })).toMatchObject({
        text: '<think>why</think>\nso',
        reasoning: '<think>why</think>\n',
      });
    });

    it('hides other ones with reasoning too, and marks that mark nothing', () => {
      const tokens = [
        THINK,
        ...text('w'),
        OTHER,
        UNTHINK,
        ...text('so'),
        OTHER,
        THINK,
        UNTHINK,
        ...text('.'),
      ];
      expect(shown(tokens, [], { reasoning }).text).toBe('<think>w</think>so.');
      expect(shown(tokens, [], { reasoning, special: true }).text).toBe(
        '<think>w<|other|></think>so<|other|><think></think>.',
      );
    });

    it('takes the mark of an answer without reasoning for no part of it', () => {
      const marks = { ...reasoning, skipped: '<|other|>final' };
      const tokens = [OTHER, ...text('final'), ...text('so')];
      expect(shown(tokens, [], { reasoning: marks })).toMatchObject({
        text: '<|other|>finalso',
        reasoning: '<|other|>final',
      });
    });

    it('finds the end of a reasoning that is held back for a stop string', () => {
      const tokens = [THINK, UNTHINK, ...text('so')];
      expect(shown(tokens, ['<think>x'], { reasoning }).reasoning).toBe('<think></think>');
    });
  });

  it('says with which token the stop string was complete', () => {
    const stream = new TextStream(TOKENIZER, PROMPT, ['ab']);
    expect(TOKENIZER.encode('xab').map((token) => stream.add(token))).toEqual([false, false, true]);
  });

  it('tells apart what the draft model wrote', () => {
    const stream = new TextStream(TOKENIZER, PROMPT, []);
    for (const token of TOKENIZER.encode('abc')) stream.add(token);
    expect(stream.take(2)).toEqual([
      { text: 'a', isReasoning: false, drafted: true },
      { text: 'b', isReasoning: false, drafted: true },
      { text: 'c', isReasoning: false, drafted: false },
    ]);
    stream.add(TOKENIZER.encode('d')[0]!);
    expect(stream.take(0)).toEqual([{ text: 'd', isReasoning: false, drafted: false }]);
  });

  it('gives a character to the model whose token completed it', () => {
    const stream = new TextStream(TOKENIZER, PROMPT, []);
    const [a, b, c] = TOKENIZER.encode('日');
    stream.add(a!);
    stream.add(b!);
    expect(stream.take(1)).toEqual([]);
    stream.add(c!);
    expect(stream.take(1)).toEqual([{ text: '日', isReasoning: false, drafted: true }]);
  });

  it('gives each text once, and none that is empty', () => {
    const stream = new TextStream(TOKENIZER, PROMPT, []);
    stream.add(TOKENIZER.encode('a')[0]!);
    stream.add(BYTE_END);
    expect(stream.take(2)).toHaveLength(1);
    expect(stream.take(2)).toEqual([]);
    expect(stream.end()).toEqual([]);
  });

  it('gives out at the end what was held back for a stop string or for a character', () => {
    expect(written(TOKENIZER.encode('no st'), ['stop'], 1).text).toBe('no st');
    expect(written([...TOKENIZER.encode('a'), 0xf0], [], 1).text).toBe('a\uFFFD');
    expect(written([...TOKENIZER.encode('st'), 0xf0], ['stop'], 1).text).toBe('st\uFFFD');
  });

  it('shows nothing of a stop string that is complete only at the end', () => {
    // One token ends in the middle of a character, so that its text is held back until the end.
    const tokenizer = fakeTokenizer(Uint8Array.of(...new TextEncoder().encode('stop'), 0xf0));
    expect(written([...TOKENIZER.encode('no '), FIRST_PIECE], ['stop'], 1, tokenizer).text).toBe('no ');
  });
});
