import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, launchChromium } from '../support/chromium.js';
import { runInProcess } from '../support/run-in-process.js';

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-explain-'));
  for (const strategy of ['mtad', 'mmtad', 'speculative', 'autoregressive'])
    await runInProcess([
      ...['Once upon a time', '--seed', '3', '-n', '32', '--threads', '1', '--draft-length', '4'],
      ...[
        '--threshold',
        '0.9',
        '--strategy',
        strategy,
        '--trace',
        at(`${strategy}.jsonl`),
        '-o',
        at(`${strategy}.txt`),
      ],
    ]);
});
afterAll(() => rm(folder, { recursive: true }));

interface Line {
  readonly draft: readonly number[];
  readonly log_q: readonly number[];
  readonly log_p: readonly number[];
  readonly nodes?: readonly unknown[];
  readonly accepted: number;
  readonly emitted: readonly number[];
}
const linesOf = async (name: string): Promise<Line[]> =>
  (await readFile(at(name), 'utf8'))
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line));

async function explained(name: string): Promise<string> {
  const { exitCode, stdout, stderr } = await runInProcess(['explain', at(name)]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

describe.skipIf(!CHROMIUM)('mtad explain', () => {
  let browser: Browser;
  let page: Page; // of all tests: each that is new has a process of its own
  let seen: string[];
  beforeAll(async () => {
    browser = await launchChromium();
    page = await browser.newPage();
    page.on('request', (request) => seen.push(request.url()));
    page.on('console', (message) => seen.push(message.text()));
    page.on('pageerror', (error) => seen.push(error.message));
  });
  afterAll(() => browser?.close());

  /** Opens the page as a colleague would; it must ask for nothing and complain of nothing. */
  async function opened(name: string, width = 1400): Promise<Page> {
    const file = at(`${name}.html`);
    await writeFile(file, await explained(`${name}.jsonl`));
    await page.setViewportSize({ width, height: 900 });
    seen = [];
    await page.goto(pathToFileURL(file).href, { waitUntil: 'load' });
    expect(seen).toEqual([pathToFileURL(file).href]);
    expect(await page.locator('script').count()).toBe(0);
    return page;
  }

  it.each(['mtad', 'mmtad', 'speculative', 'autoregressive'])(
    '%s: shows the text, its accepted and its own tokens',
    async (strategy) => {
      const page = await opened(strategy);
      const kept = await page.locator('.text .accepted, .text .own').allTextContents();
      expect(kept.join('')).toBe(
        await readFile(at(`${strategy}.txt`), 'utf8').then((text) => text.trimEnd()),
      );
      const all = await page.locator('.text span, .text s').allTextContents();
      expect(await page.locator('.text').textContent()).toBe(all.join(''));
      const lines = await linesOf(`${strategy}.jsonl`);
      expect(await page.locator('#steps details').count()).toBe(lines.length);
      const accepted = lines.reduce((sum, line) => sum + line.accepted, 0);
      expect(await page.locator('.text .accepted').count()).toBe(accepted);
      const rows = lines.reduce((sum, { nodes, draft }) => sum + (nodes ?? draft).length, 0);
      expect(await page.locator('#steps tbody tr').count()).toBe(rows);
    },
  );

  it('shows each guess with the joint log-probabilities that judged it', async () => {
    const page = await opened('mtad');
    const lines = await linesOf('mtad.jsonl');
    const place = lines.findIndex(({ accepted, draft }) => accepted < draft.length);
    const { log_q, log_p, accepted } = lines[place]!;
    const table = page.locator(`#step-${place}`);
    const cells = await table
      .locator('tbody tr')
      .evaluateAll((rows) =>
        rows.map((row) => [...row.querySelectorAll('td')].map(({ textContent }) => textContent)),
      );
    let [jointQ, jointP] = [0, 0];
    const shown = (log: number) => log.toFixed(2).replace('-', '−');
    for (const [i, row] of cells.entries()) {
      jointQ += log_q[i]!;
      jointP += log_p[i] ?? Number.NEGATIVE_INFINITY;
      const passes = jointP - jointQ >= Math.log(0.9) ? 'yes' : 'no';
      expect(row.at(-1)).toBe(passes);
      expect(row[2]).toBe(shown(jointQ));
      if (jointP > Number.NEGATIVE_INFINITY) expect(row[3]).toBe(shown(jointP));
    }
    const lastYes = cells.map((row) => row.at(-1)).lastIndexOf('yes');
    expect(accepted).toBe(lastYes + 1);
    expect(
      await page.evaluate<string>(
        `getComputedStyle(document.querySelector('s.rejected')).textDecorationLine`,
      ),
    ).toBe('line-through');
  });

  it('opens a step where its token is chosen, and one at a time', async () => {
    const page = await opened('mmtad');
    expect(await page.locator('details[open]').count()).toBe(1);
    await page.locator('.text a').nth(2).click();
    expect(await page.locator('#step-2').isVisible()).toBe(true);
    expect(await page.locator('details[open]').count()).toBe(1);
    await page.getByText('the next step →').locator('visible=true').click();
    expect(await page.locator('#step-3').isVisible()).toBe(true);
    expect(await page.locator('#step-2').isVisible()).toBe(false);
  });

  it.each([1400, 390])('does not scroll sideways at a width of %d', async (width) => {
    const page = await opened('mmtad', width);
    for (const place of [0, 1]) {
      await page.locator('.text a').nth(place).click();
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(width);
    }
  });

  it('shows hostile tokens as they are', async () => {
    const hostile = '<script>alert(1)</script>';
    const text = await readFile(at('mtad.jsonl'), 'utf8');
    const [start, first] = text.split('\n');
    const step = { ...JSON.parse(first!), draft: [5], draft_text: [hostile], log_q: [-1], log_p: [-1] };
    const line = JSON.stringify({ ...step, accepted: 1, emitted: [5], emitted_text: [hostile] });
    await writeFile(at('hostile.jsonl'), `${start}\n${line}\n`);
    const page = await opened('hostile');
    expect(await page.locator('.text').innerText()).toBe(hostile);
  });
});

describe('mtad explain', () => {
  it('claims of a block that the text ended in only that it was accepted', async () => {
    const ended = 'A block was accepted; the text ended within it, or at its end.';
    const settings = ['--seed', '3', '-n', '2', '--threads', '1', '--draft-length', '4'];
    await runInProcess(['Once upon a time', ...settings, '--threshold', '0.9', '--trace', at('short.jsonl')]);
    const { accepted, emitted } = (await linesOf('short.jsonl')).at(-1)!;
    expect({ accepted, emitted: emitted.length }).toEqual({ accepted: 2, emitted: 2 });
    expect(await explained('short.jsonl')).toContain(ended);

    const [start, first] = (await readFile(at('short.jsonl'), 'utf8')).split('\n');
    const block = { draft: [5, 6], draft_text: ['a', 'b'], log_q: [-1, -2], log_p: [-3, -0.05] }; // P - Q: -2, -0.05
    const cut = { ...JSON.parse(first!), ...block, accepted: 1, emitted: [5], emitted_text: ['a'] };
    await writeFile(at('cut.jsonl'), `${start}\n${JSON.stringify(cut)}\n`);
    const page = await explained('cut.jsonl');
    expect(page).toContain(ended);
    expect(page).not.toContain('≥');
  });

  it('writes a file, and refuses what is no trace', async () => {
    const { exitCode, stdout } = await runInProcess(['explain', at('mtad.jsonl'), '-o', at('page.html')]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(await readFile(at('page.html'), 'utf8')).toMatch(/^<!doctype html>/);
    await writeFile(at('no.jsonl'), '{"type": "step"}\n');
    for (const [file, message] of [
      ['no.jsonl', /no\.jsonl, line 1: not the start line of a trace/],
      ['mtad.txt', /mtad\.txt, line 1: not JSON/],
      ['absent.jsonl', /Cannot read the trace/],
    ] as const) {
      const refused = await runInProcess(['explain', at(file)]);
      expect(refused.stderr, file).toMatch(message);
      expect(refused.exitCode).toBe(2);
    }
  });
});
