import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { mtadOnTerminal } from '../support/cli.js';
import { runInProcess } from '../support/run-in-process.js';

const SHORT = ['benchmark', '--limit', '2', '-n', '12', '--threads', '1'];
const QUIET = [...SHORT, '--strategies', 'autoregressive', '--quiet'];
const BOLD = '\u001B[1m';
const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const HINT = 'A wider terminal';
const TERMINAL = { isTTY: true, input: '' };

/** What is on the screen when all is over. */
function screen(stdout: string): string[] {
  const [last] = stdout.split('\u001B[2K').slice(-1); // the line of the bar is erased
  return stripVTControlCharacters(last!).split('\r\n');
}

test('80 columns: a spinner, then a bar, then a clean screen with the essential columns', async () => {
  const { stdout, exitCode } = await mtadOnTerminal(SHORT);
  expect(exitCode).toBe(0);
  const bar = stdout.indexOf('Benchmark ');
  expect(stdout.slice(0, bar)).toMatch(new RegExp(`[${SPINNER}].* Loading models`));
  expect(stdout.slice(bar)).not.toMatch(new RegExp(`[${SPINNER}]`));
  expect(stdout).toContain('14/14 texts');
  expect(stdout.lastIndexOf('\u001B[?25h')).toBeGreaterThan(stdout.lastIndexOf('\u001B[?25l')); // the cursor
  expect(stdout.lastIndexOf('\u001B[?7h')).toBeGreaterThan(stdout.lastIndexOf('\u001B[?7l')); // long lines
  const lines = screen(stdout);
  expect(lines[0]).toMatch(/^setting +tokens\/s +speed-up +perplexity( +per pass)?( +accepted)?$/);
  expect(lines).toContainEqual(expect.stringContaining(HINT));
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(lines.join(' ')).toMatch(/No recommendation: .*\. *$/);
});

test('40 columns: the bar makes room for its figures, and knows no time before the first text', async () => {
  const args = [...SHORT, '--strategies', 'autoregressive'];
  const { stderr } = await runInProcess(args, { ...TERMINAL, columns: 40 });
  expect(stderr).toMatch(/Benchmark \S+ 0\/2 texts, \? left/);
  expect(stderr).toMatch(/Benchmark \S+ 2\/2 texts, 0s left/);
  expect(stderr).not.toContain('0/2 texts, 0s');
});

test('a wide terminal shows all columns; --quiet shows no progress before them', async () => {
  const { stdout, stderr } = await runInProcess(QUIET, { ...TERMINAL, columns: 250 });
  expect(stdout.startsWith(`${BOLD}setting`)).toBe(true);
  expect(screen(stdout)[0]).toMatch(/tokens +tokens\/s .* passes .* of possible/);
  expect(stdout).not.toContain(HINT);
  expect(stderr).toBe('');
});

test('a terminal that does not know its width shows all columns, and no progress', async () => {
  const args = [...SHORT, '--strategies', 'autoregressive'];
  const { stdout, stderr } = await runInProcess(args, { ...TERMINAL, columns: 0 });
  expect(stripVTControlCharacters(stdout)).toMatch(/^setting +tokens +tokens\/s .* of possible/);
  expect(stderr).toBe('');
});

test('NO_COLOR and --color never win on a terminal, --color always in a pipe', async () => {
  const never = await runInProcess([...QUIET, '--color', 'never'], TERMINAL);
  const noColor = await runInProcess(QUIET, { ...TERMINAL, env: { NO_COLOR: '1' } });
  expect(never.stdout).not.toContain('\u001B');
  expect(noColor.stdout).not.toContain('\u001B');
  expect((await runInProcess([...QUIET, '--color', 'always'])).stdout).toContain(BOLD);
});
