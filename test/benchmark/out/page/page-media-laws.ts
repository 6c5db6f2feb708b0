import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { fakeReport } from '../../../support/fake-report.js';
import { openReport } from './open-report.js';

const REPORT = fakeReport();

const background = (page: Page) => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
const axisColour = (page: Page) =>
  page.evaluate<string>(`getComputedStyle(document.querySelector('#acceptance text')).fill`);

export const mediaLaws = (own: () => Page) =>
  describe('reportPage wherever it is read', () => {
    it('is dark where the reader likes it dark, its charts too, and changes when they change their mind', async () => {
      const { page, complaints } = await openReport(own(), REPORT, { colorScheme: 'dark' });
      const dark = [await background(page), await axisColour(page)];
      await page.emulateMedia({ colorScheme: 'light' });
      expect(dark).toEqual(['rgb(21, 23, 27)', 'rgb(160, 167, 179)']);
      await expect.poll(() => axisColour(page)).toBe('rgb(92, 100, 112)');
      expect(await background(page)).toBe('rgb(255, 255, 255)');
      expect(complaints).toEqual([]);
    });

    it.each([320, 768])(
      'does not scroll sideways at a width of %d, save the table in its box',
      async (width) => {
        const { page } = await openReport(own(), REPORT, { viewport: { width, height: 800 } });
        expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(width);
        const box = await page.evaluate<{ outer: number; inner: number }>(
          `(({ clientWidth, scrollWidth }) => ({ outer: clientWidth, inner: scrollWidth }))(document.querySelector('#all .scroll'))`,
        );
        expect(box.inner).toBeGreaterThan(box.outer);
      },
    );

    it('is dark on white on paper, with nothing folded away', async () => {
      const { page } = await openReport(own(), REPORT, { colorScheme: 'dark' });
      const table = page.locator('#token-time details table');
      expect(await table.isVisible()).toBe(false);
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      expect(await background(page)).toBe('rgb(255, 255, 255)');
      expect(await table.evaluate((one) => one.checkVisibility({ contentVisibilityAuto: true }))).toBe(true);
      expect((await table.boundingBox())!.height).toBeGreaterThan(50);
      expect(await page.locator('#speed-quality svg.wide').first().isVisible()).toBe(true);
      expect((await page.pdf()).length).toBeGreaterThan(10_000);
    });

    it('needs no JavaScript: words, tables and charts are there where it is off', async () => {
      const bare = await own().context().browser()!.newPage({ javaScriptEnabled: false });
      const { page } = await openReport(bare, REPORT);
      expect(await page.getByText(REPORT.recommendation).isVisible()).toBe(true);
      expect(await page.locator('#all tbody tr').count()).toBe(REPORT.contenders.length);
      expect(await page.locator('#all tbody tr').last().isVisible()).toBe(true);
      expect(await page.locator('figure > svg:visible').count()).toBe(3);
      expect(await page.locator('script').count()).toBe(0);
      await bare.close();
    });
  });
