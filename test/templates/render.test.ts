import { describe, expect, it } from 'vitest';
import { openTemplate } from '../../src/templates/open-template.js';
import { render } from '../../src/templates/render.js';
import { firstOf } from '../support/tries.js';

const said = { messages: [{ role: 'user', content: 'Hello' }] };

describe('a chat template', () => {
  it('is rendered', async () => {
    expect(await render('[{{ messages[0].content }}]', said)).toBe('[Hello]');
  });

  it.each([
    ['{% for x in', /Unexpected/],
    ['{{ raise_exception("No hello") }}', /^No hello$/],
    [`{{ ${'('.repeat(60_000)}1${')'.repeat(60_000)} }}`, /calls itself too often/],
    [
      '{% set n = namespace(s="ab") %}{% for i in range(21) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s }}',
      /writes more than/,
    ],
    [
      '{% set n = namespace(s="ab") %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s }}',
      /length/,
    ],
    [`{{ raise_exception('${'a'.repeat(1000)}') }}`, /^a{200}$/],
    ["{{ raise_exception('a\u001b[31mb') }}", /^a \[31mb$/],
    ["{{ raise_exception('\\n\\n') }}", /^it raises an error$/],
    [`{# ${'x'.repeat(2 ** 20)} #}`, /has \d+ characters/],
  ])('that cannot be is refused, and the next one is rendered: %.40s', async (template, reason) => {
    await expect(render(template, said)).rejects.toThrow(reason);
    expect(await render('{{ messages | length }}', said)).toBe('1');
  });

  const endless = [
    "{% set n = namespace(s='aaaaaaaaaaaaaaaa') %}{% for i in range(24) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s.replace('a', 'bbbb') }}",
    '{% for i in range(1000000) %}{% for j in range(1000000) %}{% endfor %}{% endfor %}',
    '{% for i in range(1000000000) %}{% endfor %}',
    "{% set n = namespace(s='aaaaaaaaaaaaaaaa') %}{% for i in range(23) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s.split('a') | length }}",
  ];
  // Each day one that takes the memory; models/inspect.test.ts has one that takes the time.
  it.each(firstOf(1, endless))('without an end is ended: %s', async (template) => {
    await expect(openTemplate({ model: 'a.gguf', own: template, bos: '', eos: '' })).rejects.toThrow(
      /^the chat template of a\.gguf cannot be rendered: it (does not come to an end within|ends the process that renders it)/,
    );
    expect(await render('{{ messages | length }}', said)).toBe('1');
  });
});
