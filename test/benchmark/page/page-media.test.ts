import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, launchChromium } from '../../support/chromium.js';
import { fakeReport } from '../../support/fake-report.js';
import { openReport } from './open-report.js';

const REPORT = fakeReport();

const background = (page: Page) => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
const axisColour = (page: Page) => page.evaluate<string>(`Chart.getChart('acceptance').options.color`);

describe.skipIf(!CHROMIUM)('reportPage wherever it is read', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  it('is dark where the reader likes it dark, its charts too, and changes when they change their mind', async () => {
    const { page, complaints } = await openReport(browser, REPORT, { colorScheme: 'dark' });
    const dark = [await background(page), await axisColour(page)];
    await page.emulateMedia({ colorScheme: 'light' });
    expect(dark).toEqual(['rgb(21, 23, 27)', '#a0a7b3']);
    await expect.poll(() => axisColour(page)).toBe('#5c6470'); // the page hears of the change a little later
    expect(await background(page)).toBe('rgb(255, 255, 255)');
    expect(complaints).toEqual([]);
  });

  it.each([320, 768])(
    'does not scroll sideways at a width of %d, save the table in its box',
    async (width) => {
      const { page } = await openReport(browser, REPORT, { viewport: { width, height: 800 } });
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(width);
      const box = await page.evaluate<{ outer: number; inner: number }>(
        `(({ clientWidth, scrollWidth }) => ({ outer: clientWidth, inner: scrollWidth }))(document.querySelector('#all .scroll'))`,
      );
      expect(box.inner).toBeGreaterThan(box.outer);
    },
  );

  it('is dark on white on paper, with nothing folded away, and then as it was', async () => {
    const { page } = await openReport(browser, REPORT, { colorScheme: 'dark' });
    const state = `[getComputedStyle(document.body).backgroundColor, document.querySelectorAll('details[open]').length]`;
    await page.evaluate(`addEventListener('beforeprint', () => { window.printed = ${state}; })`);
    const pdf = await page.pdf();
    expect(pdf.length).toBeGreaterThan(10_000);
    expect(await page.evaluate('window.printed')).toEqual(['rgb(255, 255, 255)', 3]);
    expect(await page.evaluate(state)).toEqual(['rgb(21, 23, 27)', 0]);
  });

  it('has its words and tables where JavaScript is off, and says what is missing', async () => {
    const { page } = await openReport(browser, REPORT, { javaScriptEnabled: false });
    expect(await page.getByText('The charts need JavaScript').isVisible()).toBe(true);
    expect(await page.getByText(REPORT.recommendation).isVisible()).toBe(true);
    expect(await page.locator('#all tbody tr').count()).toBe(REPORT.contenders.length);
    expect(await page.locator('#all tbody tr').last().isVisible()).toBe(true);
    expect(await page.locator('canvas').first().isVisible()).toBe(false);
  });

  it('does not say so where JavaScript is on', async () => {
    const { page } = await openReport(browser, REPORT);
    expect(await page.getByText('The charts need JavaScript').isVisible()).toBe(false);
    expect(await page.locator('canvas').first().isVisible()).toBe(true);
  });
});
