import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { columnsOf } from '../../../src/benchmark/columns.js';
import { CHROMIUM, launchChromium } from '../../support/chromium.js';
import { fakeReport } from '../../support/fake-report.js';
import { type OpenReport, openReport } from './open-report.js';

const REPORT = fakeReport();

interface Dataset {
  readonly label: string;
  readonly type?: string;
  readonly data: readonly (number | { x: number; y: number; name?: string; facts?: string[] })[];
}

const datasetsOf = (page: Page, id: string) =>
  page.evaluate<Dataset[]>(`Chart.getChart('${id}').data.datasets`);
const labelsOf = (page: Page, id: string) => page.evaluate<string[]>(`Chart.getChart('${id}').data.labels`);

/** How many colours a canvas shows. */
const coloursIn = (page: Page, id: string) =>
  page.evaluate<number>(`{
    const canvas = document.getElementById('${id}');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    new Set(new Uint32Array(data.buffer)).size;
  }`);

describe.skipIf(!CHROMIUM)('reportPage in a browser', () => {
  let browser: Browser;
  let opened: OpenReport;
  let page: Page;
  beforeAll(async () => {
    browser = await launchChromium();
    opened = await openReport(browser, REPORT);
    page = opened.page;
  });
  afterAll(() => browser?.close());

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

  it.each(['speed-quality', 'acceptance', 'step-time'])(
    'paints %s, and says in words what it shows',
    async (id) => {
      expect(await coloursIn(page, id)).toBeGreaterThan(20);
      const canvas = page.locator(`canvas#${id}`);
      expect(await canvas.getAttribute('role')).toBe('img');
      expect(await canvas.getAttribute('aria-label')).toMatch(/\d contenders/);
    },
  );

  it('marks each contender at its speed and perplexity, with all facts', async () => {
    const marks = (await datasetsOf(page, 'speed-quality'))
      .filter(({ type }) => type !== 'line')
      .flatMap(({ data }) => data as { x: number; y: number; name: string; facts: string[] }[]);
    expect(marks.map(({ x, y }) => [x, y]).sort()).toEqual(
      REPORT.contenders
        .map(({ tokensPerSecond, perplexity }) => [tokensPerSecond!.mean, perplexity!.value])
        .sort(),
    );
    const mark = marks.find(({ name }) => name === 'mtad k=4 w=4 tau=0.5, direct')!;
    expect(mark.facts).toContain('speed-up: 1.81 ± 0.16');
    expect(mark.facts).toHaveLength(columnsOf(REPORT).length - 1);
  });

  it('draws a line through those that none beats in both', async () => {
    const front = (await datasetsOf(page, 'speed-quality')).find(({ type }) => type === 'line')!;
    expect(front.data).toEqual([
      { x: 41.4, y: 1.74 },
      { x: 69.7, y: 2.94 },
      { x: 74.6, y: 3.12 },
    ]);
  });

  it('draws a line of acceptance for each contender that drafts', async () => {
    const lines = await datasetsOf(page, 'acceptance');
    expect(lines.map(({ data }) => data)).toEqual(
      REPORT.contenders.map((one) => one.acceptanceByPosition).filter((rates) => rates.length > 0),
    );
    expect(new Set(lines.map(({ label }) => label)).size).toBe(lines.length);
    expect(await labelsOf(page, 'acceptance')).toEqual(['1', '2', '3', '4']);
  });

  it('draws no two of these lines alike, in the chart and in its legend', async () => {
    const [mtad] = REPORT.contenders.filter(({ name }) => name.startsWith('mtad'));
    const many = ['1', '2', '4', '8'].flatMap((k) =>
      ['0.1', '0.5', '0.9'].map((threshold) => ({ ...mtad!, name: `mtad k=${k} tau=${threshold}` })),
    );
    const { page } = await openReport(browser, fakeReport({ contenders: many }));
    const looks = await page.evaluate<string[][]>(`{
      const { data, legend } = Chart.getChart('acceptance');
      [
        data.datasets.map((one) => JSON.stringify([one.borderColor, one.borderDash, one.borderWidth])),
        legend.legendItems.map((one) => JSON.stringify([one.strokeStyle, one.lineDash, one.lineWidth])),
      ];
    }`);
    expect(looks.map((some) => new Set(some).size)).toEqual([many.length, many.length]);
    expect(looks[1]).toEqual(looks[0]);
  });

  it('draws no line for what the target drafts itself', async () => {
    const [, speculative] = REPORT.contenders;
    const contenders = [speculative!, { ...speculative!, name: 'mtjd k=4 w=4', role: 'baseline' as const }];
    const { page } = await openReport(browser, fakeReport({ contenders }));
    expect((await datasetsOf(page, 'acceptance')).map(({ label }) => label)).toEqual(['speculative k=4']);
  });

  it('stacks the parts of a step, for each contender that tells them', async () => {
    const timed = REPORT.contenders.flatMap(({ msPerStep }) => msPerStep ?? []);
    const parts = (await datasetsOf(page, 'step-time')).map(({ label, data }) => [label, data]);
    expect(parts).toEqual([
      ['draft', timed.map(({ draft }) => draft)],
      ['verify', timed.map(({ verify }) => verify)],
      ['own', timed.map(({ own }) => own)],
    ]);
    const labels = await labelsOf(page, 'step-time');
    expect(new Set(labels).size).toBe(timed.length);
  });

  it('has the table that the terminal has, and says what its columns mean', async () => {
    const columns = columnsOf(REPORT);
    const rows = await page.evaluate<string[][]>(
      `[...document.querySelectorAll('#all tr')].map((row) => [...row.cells].map((cell) => cell.textContent))`,
    );
    expect(rows).toEqual([
      columns.map(({ head }) => head),
      ...REPORT.contenders.map((one) => columns.map(({ cell }) => cell(one))),
    ]);
    expect(await page.locator('#all thead th:not([scope=col]), #all tbody th:not([scope=row])').count()).toBe(
      0,
    );
    const legend = await page.locator('.legend').innerText();
    for (const { meaning } of columns) expect(legend).toContain(meaning);
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
      browser,
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
      browser,
      fakeReport({ contenders: [], passes: [], generations: [] }),
    );
    expect(complaints).toEqual([]);
    expect(await page.locator('canvas').count()).toBe(0);
    expect(await page.locator('main').innerText()).toContain(
      'No contender drafted anything for another to judge',
    );
  });
});
