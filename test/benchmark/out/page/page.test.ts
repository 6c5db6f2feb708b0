import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Column, columnsOf } from '../../../../src/benchmark/out/columns.js';
import type { ContenderSummary } from '../../../../src/benchmark/report.js';
import { CHROMIUM, launchChromium } from '../../../support/chromium.js';
import { contenderOf } from '../../../support/fake-generation.js';
import { fakeReport } from '../../../support/fake-report.js';
import { tries } from '../../../support/tries.js';
import { type OpenReport, openReport } from './open-report.js';
import { mediaLaws } from './page-media-laws.js';
import { safetyLaws } from './page-safety-laws.js';

const REPORT = fakeReport();

/** What stands in the picture that is shown: texts and marks, each with its box on the screen. */
interface Shown {
  readonly kind: 'text' | 'mark';
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const shownIn = (page: Page, id: string) =>
  page.evaluate<Shown[]>(`(() => {
    const picture = [...document.querySelectorAll('#${id} figure > svg')].find((one) => one.checkVisibility());
    return [...picture.querySelectorAll('text, g[data-mark] > .mark')].map((one) => {
      const { left, right, top, bottom } = one.getBoundingClientRect();
      const kind = one.localName === 'text' ? 'text' : 'mark';
      return { kind, text: one.textContent, left, right, top, bottom };
    });
  })()`);

/** What a cell of the page's table says: the interval in a line of its own, and of the first, whether it is recommended. */
function cellText({ head, value, range }: Column, one: ContenderSummary): string {
  const isBest = one.name === REPORT.recommended!.name && one.engine === REPORT.recommended!.engine;
  if (head === 'setting') return isBest ? `${one.name}recommended` : one.name;
  return [value(one), range?.(one)].filter(Boolean).join(' ');
}

/** Pairs that lie over each other by more than a pixel. */
const collisions = (all: readonly Shown[]) =>
  all.flatMap((a, i) =>
    all
      .slice(i + 1)
      .filter(
        (b) =>
          Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
          Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1,
      )
      .map((b) => `${a.kind} ${a.text} and ${b.kind} ${b.text}`),
  );

describe.skipIf(!CHROMIUM)('reportPage in a browser', () => {
  let browser: Browser;
  let opened: OpenReport;
  let page: Page;
  let spare: Page; // for other reports, and other ways to read this one
  beforeAll(async () => {
    browser = await launchChromium();
    page = await browser.newPage();
    spare = await browser.newPage();
    opened = await openReport(page, REPORT);
  });
  afterAll(() => browser?.close());

  mediaLaws(() => spare);
  safetyLaws(() => spare);

  it('asks for nothing but itself, and has nothing to complain of', () => {
    expect(opened.requests).toEqual([opened.url]);
    expect(opened.complaints).toEqual([]);
  });

  it('says at the top what was compared, when, with what caveat and to what upshot', async () => {
    const top = await page.locator('header').innerText();
    expect(top).toContain('stories-target-f16.gguf with stories-draft-f16.gguf');
    expect(top).toContain('3 February 2026 at 14:05 UTC, 12 min 5 s');
    expect(top).toContain(REPORT.models.target.caveat);
    expect(top).not.toContain('Incomplete');
    expect(await page.getByText(REPORT.recommendation).isVisible()).toBe(true);
  });

  it('tells of the recommended setting how many times as fast, how good, and at what energy', async () => {
    const tiles = (await page.locator('.tiles li').allInnerTexts()).map((text) => text.replace(/\s+/g, ' '));
    expect(tiles).toEqual([
      '1.81 × as fast as plain decoding 1.66 to 1.97',
      '3.12 perplexity of its text 2.81 to 3.46; plain decoding 6.81',
      '0.58 J per token without idle power; 0.81 with it',
    ]);
    const [contender] = REPORT.contenders.filter(({ name }) => name === REPORT.recommended!.name);
    const energy = { source: null, reason: 'no counter can be read', idleWatts: null };
    const bare = { ...contender!, joulesPerToken: null, perplexity: null };
    const other = await openReport(spare, { ...REPORT, energy, contenders: [bare] });
    const texts = (await other.page.locator('.tiles li').allInnerTexts()).join();
    expect(texts).toMatch(/not measured: no counter can be read$/);
    expect(texts).toMatch(/perplexity of its text\s+not measured/);
  });

  it.each([1400, 390])('does not scroll sideways at a width of %d, its tiles in reach', async (width) => {
    const { page: other } = await openReport(spare, REPORT, { viewport: { width, height: 900 } });
    expect(await other.evaluate<number>('document.documentElement.scrollWidth')).toBe(width);
    const last = (await other.locator('.tiles li').last().boundingBox())!;
    expect(last.x + last.width).toBeLessThanOrEqual(width);
  });

  it.each(['speed-quality', 'acceptance', 'token-time'])(
    'draws %s, and says in words what it shows',
    async (id) => {
      const picture = page.locator(`#${id} figure > svg.wide`);
      expect(await picture.getAttribute('role')).toBe('img');
      expect(await picture.getAttribute('aria-label')).toMatch(/\d contenders/);
      expect(await page.locator(`#${id} figure > svg:visible`).count()).toBe(1);
    },
  );

  const MANY = {
    ...REPORT,
    contenders: [
      ...REPORT.contenders,
      {
        ...REPORT.contenders[0]!,
        name: 'equal to another',
        strategy: 'block',
        traits: contenderOf('block').traits,
      },
      { ...REPORT.contenders[2]!, name: 'mtad k=4 w=4 tau=0.4', settings: { threshold: 0.4 } },
    ],
  };

  it.each(tries([390, 1400], [320, 390, 768, 1400]))(
    'at a width of %d no text or mark lies over another, and none is cut off',
    async (width) => {
      const { page } = await openReport(spare, MANY, { viewport: { width, height: 900 } });
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(width);
      for (const id of ['speed-quality', 'acceptance', 'token-time']) {
        const shown = await shownIn(page, id);
        expect(collisions(shown), id).toEqual([]);
        for (const { left, right, text } of shown) {
          expect(left, text).toBeGreaterThanOrEqual(0);
          expect(right, text).toBeLessThanOrEqual(width);
        }
      }
      const marks = (await shownIn(page, 'speed-quality')).filter(({ kind }) => kind === 'mark');
      expect(marks).toHaveLength(MANY.contenders.length);
      const names = (await shownIn(page, 'speed-quality')).map(({ text }) => text);
      const room = width <= 768 ? '' : ', recommended'; // the narrow picture has none
      expect(names).toContain(`mtad k=4 w=4 tau=0.5, direct${room}`);
      expect(await page.locator('#speed-quality .ring:visible').count()).toBe(1);
    },
  );

  it('shows the whole table at a width of 1400, peers and two engines included', async () => {
    const { page } = await openReport(spare, MANY, { viewport: { width: 1400, height: 900 } });
    const box = await page.evaluate<number[]>(
      `(({ clientWidth, scrollWidth }) => [clientWidth, scrollWidth])(document.querySelector('#all .scroll'))`,
    );
    expect(box[1]).toBe(box[0]);
  });

  it('tells all facts of a mark to a pointer', async () => {
    const titles = await page.locator('#speed-quality svg.wide title').allTextContents();
    expect(titles).toHaveLength(REPORT.contenders.length);
    expect(titles.join()).toContain('speed-up: 1.81 (1.66 to 1.97)');
  });

  it('draws a line through those that none beats in both', async () => {
    const points = await page.locator('#speed-quality svg.wide .front').getAttribute('points');
    expect(points!.split(' ')).toHaveLength(3);
    expect(await page.locator('#speed-quality figcaption').innerText()).toContain(
      'greedy; mmtad k=4 w=4 tau=0.5; mtad k=4 w=4 tau=0.5, direct',
    );
  });

  it('draws a line of acceptance for each contender that drafts, no two alike', async () => {
    const lines = page.locator('#acceptance figure > svg.wide polyline');
    const drafting = REPORT.contenders.filter((one) => one.acceptanceByPosition.length > 0);
    expect(await lines.count()).toBe(drafting.length);
    const looks = await lines.evaluateAll((all) => all.map((one) => one.getAttribute('style')));
    expect(new Set(looks).size).toBe(drafting.length);
    const key = await page
      .locator('#acceptance .key polyline')
      .evaluateAll((all) => all.map((one) => one.getAttribute('style')));
    expect(key).toEqual(looks);
  });

  it('draws no line for what the target drafts itself', async () => {
    const [, speculative] = REPORT.contenders;
    const own = { ...speculative!, ...contenderOf('mtjd k=4 w=4', { role: 'baseline' }) };
    const { page } = await openReport(spare, fakeReport({ contenders: [speculative!, own] }));
    expect(await page.locator('#acceptance .key li').allInnerTexts()).toEqual(['speculative k=4']);
  });

  it('stacks the parts of the time of a token, for each contender that tells them', async () => {
    const timed = REPORT.contenders.flatMap(({ msPerToken }) => msPerToken ?? []);
    expect(await page.locator('#token-time figure > svg.wide rect').count()).toBe(3 * timed.length);
    const widths = await page
      .locator('#token-time figure > svg.wide rect')
      .evaluateAll((all) => all.map((one) => Number(one.getAttribute('width'))));
    const perMs = widths[1]! / timed[0]!.verify;
    expect(widths.map((width) => width / perMs)).toEqual(
      timed.flatMap(({ draft, verify, own }) => [draft, verify, own].map((ms) => expect.closeTo(ms, 0))),
    );
  });

  it('has the table that the terminal has, and says what its columns mean', async () => {
    const columns = columnsOf(REPORT);
    const rows = await page.evaluate<string[][]>(
      `[...document.querySelectorAll('#all tr')].map((row) => [...row.cells].map((cell) => cell.textContent))`,
    );
    expect(rows).toEqual([
      columns.map(({ head }) => head),
      ...REPORT.contenders.map((one) => columns.map((column) => cellText(column, one))),
    ]);
    expect(await page.locator('#all thead th:not([scope=col]), #all tbody th:not([scope=row])').count()).toBe(
      0,
    );
    const legend = await page.locator('.legend').innerText();
    for (const { meaning } of columns) expect(legend).toContain(meaning);
  });

  it('shows the texts side by side, for the prompt that is opened', async () => {
    const shown = () => page.locator('#texts .written:visible').allInnerTexts();
    const before = await shown();
    expect(before).toHaveLength(REPORT.contenders.length);
    const [first] = REPORT.generations;
    expect(before[0]).toBe(first!.text);
    expect(await page.locator('#texts .chosen h3').first().innerText()).toMatch(
      /mtad k=4.*direct\s+recommended$/s,
    );
    await page.getByText('2: The cat <b>sat</b> on the mat').click();
    expect(await page.locator('#texts details[open] blockquote').allInnerTexts()).toEqual([
      REPORT.prompts[1]!.text,
    ]);
    expect(await shown()).toHaveLength(REPORT.contenders.length);
    const figures = page.locator('#texts details[open] article .small').first();
    expect(await figures.innerText()).toBe('128 tokens, 41.2 tokens/s, perplexity 6.81, ended by length');
    await page.emulateMedia({ media: 'print' });
    expect(await shown()).toHaveLength(REPORT.contenders.length);
    await page.emulateMedia({ media: 'screen' });
  });

  it('tells the conditions, what was skipped and why, and what a bare pass costs', async () => {
    const section = page.locator('section', { has: page.getByRole('heading', { name: 'Conditions' }) });
    const text = await section.innerText();
    for (const fact of ['AMD EPYC 9654', '3.21.1', 'llama, 11.4 MB', 'RAPL package-0', '16.2 W'])
      expect(text).toContain(fact);
    expect(text).toContain('3: its 2,190 tokens do not fit the context');
    expect(text).toMatch(/temperature\s+1\s+top-k\s+20\s+top-p\s+0\.9\s+first seed\s+1/);
    await section.getByText('What a bare pass costs').click();
    expect(await section.getByRole('row', { name: /^5/ }).innerText()).toMatch(/5\s+27\.1\s+-\s+28\.4/);
  });

  it('says what is missing: the rest of a run, a draft model, energy, contenders without perplexity', async () => {
    const [first, ...others] = REPORT.contenders;
    const { page } = await openReport(
      spare,
      fakeReport({
        complete: false,
        models: { ...REPORT.models, draft: null },
        energy: { source: null, reason: 'RAPL cannot be read without root', idleWatts: null },
        contenders: [{ ...first!, perplexity: null }, ...others],
      }),
    );
    const text = await page.locator('main').innerText();
    expect(text).toContain('Incomplete: the run ended early.');
    expect(text).toMatch(/draft\s+none/);
    expect(text).toContain('RAPL cannot be read without root');
    expect(text).toContain('Left out, for want of a speed or a perplexity: autoregressive, direct.');
  });

  it('stands without anything to draw', async () => {
    const { page, complaints } = await openReport(
      spare,
      fakeReport({ contenders: [], passes: [], prompts: [], generations: [] }),
    );
    expect(complaints).toEqual([]);
    expect(await page.locator('figure > svg').count()).toBe(0);
    expect(await page.locator('main').innerText()).toContain(
      'No contender drafted anything for another to judge',
    );
  });
});
