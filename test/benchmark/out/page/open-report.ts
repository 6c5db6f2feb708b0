import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { reportPage } from '../../../../src/benchmark/out/page/page.js';
import type { BenchmarkReport } from '../../../../src/benchmark/report.js';

export interface OpenReport {
  readonly page: Page;
  readonly url: string; // of the file
  readonly requests: readonly string[]; // so far, the file's own included
  readonly complaints: readonly string[]; // errors, warnings and dialogs so far
}

/** Writes a report's page to a file, and opens that as a colleague would. */
export async function openReport(
  browser: Browser,
  report: BenchmarkReport,
  options: BrowserContextOptions = {},
): Promise<OpenReport> {
  const folder = await mkdtemp(join(tmpdir(), 'mtad-page-'));
  const file = join(folder, 'report.html');
  await writeFile(file, reportPage(report));
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(pathToFileURL(file).href, { waitUntil: 'load' });
  await rm(folder, { recursive: true });
  return { page, url: pathToFileURL(file).href, requests, complaints };
}
