import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page, ViewportSize } from 'playwright-core';
import { reportPage } from '../../../../src/benchmark/out/page/page.js';
import type { BenchmarkReport } from '../../../../src/benchmark/report.js';

export interface OpenReport {
  readonly page: Page;
  readonly url: string; // of the file
  readonly requests: readonly string[]; // so far, the file's own included
  readonly complaints: readonly string[]; // errors, warnings and dialogs so far
}

/** How a page is read. */
export interface Reading {
  readonly viewport?: ViewportSize;
  readonly colorScheme?: 'light' | 'dark';
}

/** Writes a report's page to a file, and opens that as a colleague would. Tests share `page`: a new one is a new process. */
export async function openReport(
  page: Page,
  report: BenchmarkReport,
  { viewport = { width: 1280, height: 900 }, colorScheme = 'light' }: Reading = {},
): Promise<OpenReport> {
  const folder = await mkdtemp(join(tmpdir(), 'mtad-page-'));
  const file = join(folder, 'report.html');
  await writeFile(file, reportPage(report));
  await page.setViewportSize(viewport);
  await page.emulateMedia({ media: null, colorScheme });
  const requests: string[] = [];
  const complaints: string[] = [];
  for (const event of ['request', 'pageerror', 'console', 'dialog']) page.removeAllListeners(event);
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
