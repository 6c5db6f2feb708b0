import { describe, expect, it } from 'vitest';
import { html } from '../../../../src/benchmark/out/page/html.js';

describe('html', () => {
  it('escapes text, in elements and in attributes', () => {
    expect(html`<p title="${'"><b>'}">${'<script>&'}</p>`.markup).toBe(
      '<p title="&quot;&gt;&lt;b&gt;">&lt;script&gt;&amp;</p>',
    );
  });

  it('takes markup as it is, one or many', () => {
    expect(html`<ul>${['a', '<'].map((text) => html`<li>${text}</li>`)}</ul>`.markup).toBe(
      '<ul><li>a</li>\n<li>&lt;</li></ul>',
    );
  });

  it('writes numbers, and nothing for null', () => {
    expect(html`${0}${null}`.markup).toBe('0');
  });
});
