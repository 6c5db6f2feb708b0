import { beforeAll, describe, expect, it } from 'vitest';
import { type Headers, layoutDifferences, readHeaders } from '../../../scripts/check-layout.js';
import { fieldsOf, signatureOf } from '../../../src/engine/direct/c-declarations.js';
import { FUNCTIONS, STRUCTS } from '../../../src/engine/direct/layout.js';

/** One change of llama.h each, of the kind that a new release may bring. */
const CHANGES: { what: string; from: string | RegExp; to: string; named: RegExp }[] = [
  {
    what: 'a new field',
    from: 'uint32_t n_batch; ',
    to: 'uint32_t n_new; uint32_t n_batch; ',
    named: /n_new/,
  },
  { what: 'a field less', from: /bool op_offload;/, to: '', named: /op_offload/ },
  { what: 'another type', from: /float {4}defrag_thold;/, to: 'double defrag_thold;', named: /double/ },
  {
    what: 'fields that changed places',
    from: /(bool vocab_only;.*\n)(.*\n)/,
    to: '$2$1',
    named: /vocab_only/,
  },
  {
    what: 'another parameter',
    from: /llama_synchronize\(/,
    to: 'llama_synchronize(int n, ',
    named: /llama_synchronize/,
  },
  { what: 'a function less', from: /llama_get_logits\(/, to: 'llama_get_rows(', named: /llama_get_logits/ },
];

describe('the layout that the direct engine believes in', () => {
  let headers: Headers;
  beforeAll(async () => {
    headers = await readHeaders();
  });

  it('is that of the headers which node-llama-cpp brings along', () => {
    expect(layoutDifferences(headers)).toEqual([]);
  });

  it.each(CHANGES)('would not be that of headers with $what', ({ from, to, named }) => {
    const text = headers.texts.get('include/llama.h')!;
    const changed = text.replace(from, to);
    expect(changed).not.toBe(text);
    const texts = new Map(headers.texts).set('include/llama.h', changed);
    expect(layoutDifferences({ ...headers, texts }).join('\n')).toMatch(named);
  });

  it('would not be that of another release', () => {
    expect(layoutDifferences({ ...headers, release: 'v9.9.9' })).toEqual([expect.stringContaining('v9.9.9')]);
  });
});

describe('fieldsOf', () => {
  it('reads pointers, structs and enums as they are declared, and drops comments', () => {
    expect(fieldsOf('const char *a; // one; two\n enum b_t   c; /* d; */ struct e ** f;')).toEqual([
      { type: 'const char *', name: 'a' },
      { type: 'enum b_t', name: 'c' },
      { type: 'struct e * *', name: 'f' },
    ]);
  });

  it('finds every field of the structs, each once', () => {
    const counts = Object.values(STRUCTS).map((body) => new Set(fieldsOf(body).map(({ name }) => name)).size);
    expect(counts).toEqual(Object.values(STRUCTS).map((body) => body.split('\n').length - 1));
  });
});

describe('signatureOf', () => {
  it('reads name, result and parameters', () => {
    expect(signatureOf('const char * f(struct a * b, int c)')).toEqual({
      name: 'f',
      type: 'const char *',
      parameters: [
        { type: 'struct a *', name: 'b' },
        { type: 'int', name: 'c' },
      ],
    });
    expect(signatureOf('void g(void)')).toEqual({ name: 'g', type: 'void', parameters: [] });
  });

  it('tells all functions apart', () => {
    const names = Object.values(FUNCTIONS)
      .flat()
      .map((prototype) => signatureOf(prototype).name);
    expect(new Set(names).size).toBe(names.length);
  });
});
