import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { fakeContender, fakeReport } from '../../../support/fake-report.js';
import { openReport } from './open-report.js';

const REPORT = fakeReport();

const HOSTILE = {
  file: '<img src=x onerror=alert(1)>.gguf',
  name: '</script><script>alert(2)</script>',
  engine: '" onmouseover="alert(3)',
  prompt: '<script>alert(4)</script>',
  words: '</p></details><script>alert(6)</script>',
  recommendation: '<!--<script> {alert(5)} &lt;b&gt; --color',
};

export const safetyLaws = (own: () => Page) =>
  describe('reportPage among strangers', () => {
    it('shows hostile names as they are, and does none of what they say', async () => {
      const { file, name, engine, prompt, words, recommendation } = HOSTILE;
      const [contender] = REPORT.contenders;
      const [text] = REPORT.generations;
      const { page, complaints, requests, url } = await openReport(
        own(),
        fakeReport({
          models: { target: { ...REPORT.models.target, file, caveat: file }, draft: null },
          conditions: { ...REPORT.conditions, skipped: [{ id: prompt, reason: prompt }] },
          contenders: [{ ...contender!, name, engine }, fakeContender({ name, engine: 'direct' })],
          recommendation,
          prompts: [{ id: prompt, text: words }],
          generations: [{ ...text!, contender: name, engine, prompt, text: words }],
        }),
      );
      const shown = await page.locator('main').innerText();
      for (const one of Object.values(HOSTILE)) expect(shown).toContain(one);
      expect(await page.title()).toContain(file);
      const titles = await page.locator('#speed-quality title').allTextContents();
      expect(titles[0]).toContain(name);
      expect(await page.locator('script').count()).toBe(0);
      expect(await page.locator('img, [onerror], [onmouseover]').count()).toBe(0);
      expect(complaints).toEqual([]);
      expect(requests).toEqual([url]);
    });

    it('forbids what it does not do itself: other scripts, and any loading', async () => {
      const { page } = await openReport(own(), REPORT);
      const forbidden = await page.evaluate<string[]>(`(async () => {
      const broken = [];
      addEventListener('securitypolicyviolation', ({ effectiveDirective }) => broken.push(effectiveDirective));
      const add = (name, properties) => document.body.append(Object.assign(document.createElement(name), properties));
      add('script', { textContent: 'window.wasRun = true' });
      add('img', { src: 'http://127.0.0.1:9/' });
      add('iframe', { src: 'http://127.0.0.1:9/' });
      await fetch('http://127.0.0.1:9/').catch(() => {});
      for (let i = 0; i < 100 && broken.length < 4; i++) await new Promise((resolve) => setTimeout(resolve, 100));
      return broken.sort();
    })()`);
      expect(forbidden).toEqual(['connect-src', 'frame-src', 'img-src', 'script-src-elem']);
      expect(await page.evaluate('window.wasRun')).toBeUndefined();
    });
  });
