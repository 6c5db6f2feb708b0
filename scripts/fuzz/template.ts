/** Chat templates in Jinja. */
import type { Rng } from '../../src/types.js';
import { damagedBytes, oddText, pick, some } from './chance.js';
import { type Kind, tried } from './kind.js';

const SOUND = `{% for message in messages %}<|{{ message['role'] }}|>{{ message.content | trim }}{% endfor %}
{% if add_generation_prompt %}<|assistant|>{% if enable_thinking %}<think>{% endif %}{% endif %}`;

const PARTS = [
  '{% for i in range(9) %}',
  '{% for m in messages %}',
  '{% for k, v in messages[0].items() %}',
  '{% endfor %}',
  '{% if messages %}',
  '{% else %}',
  '{% endif %}',
  '{% macro m(x) %}',
  '{% endmacro %}',
  '{{ m(m) }}',
  '{{ m(1) }}',
  "{% set ns = namespace(a='x') %}",
  '{% set ns.a = ns.a + ns.a %}',
  '{{ ns.a * 100000 }}',
  '{{ messages | tojson }}',
  '{{ messages[-1].content }}',
  "{{ raise_exception('\x1b[2J') }}",
  '{{ 1 / 0 }}',
  '{{ x.y.z }}',
  '{{ messages.constructor.constructor("return process")() }}',
  '{{ "".__class__ }}',
  '{{ strftime_now("%d") }}',
  '{{ range(10 ** 9) | length }}',
  '{% for i in range(1000000000) %}',
  '{% break %}',
  '{# comment',
  '{{',
  '%}',
  '{{ messages | selectattr("role", "equalto", "user") | list | length }}',
  '{% generation %}',
];

export const template: Kind = async () => (rng) => {
  const kinds = [
    () => damagedBytes(Buffer.from(SOUND), rng),
    () => Buffer.from(parts(rng)),
    () => Buffer.from(SOUND + parts(rng)),
    () => Buffer.from(`{{ ${'('.repeat(10 ** (1 + Math.floor(4 * rng())))}1 }}`),
  ];
  const line = ['-n', '2', '-t', '1', '--seed', '1', '--draft-length', '2', 'Once'];
  return tried({
    files: { 'case.jinja': pick(kinds, rng)() },
    lines: [['--chat', '--chat-template-file', 'case.jinja', ...line]],
  });
};

const parts = (rng: Rng): string =>
  ['{{ messages }}', ...some(8, () => (rng() < 0.8 ? pick(PARTS, rng) : oddText(rng)), rng)].join('');
