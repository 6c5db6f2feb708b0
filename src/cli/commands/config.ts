import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { EXIT } from '../failures.js';
import { PROGRAMS, SETTABLE, type SettableName } from '../programs/index.js';
import { colorsFor } from '../render/colors.js';
import { configJson, configTable, type Setting } from '../render/config.js';
import { Sink } from '../render/sink.js';
import { complaintAbout } from '../settings/check-names.js';
import { settingsPath } from '../settings/file.js';
import { applySettings } from '../settings/layers.js';
import { settingsOf, variableName } from '../settings/names.js';
import { settleNumbers } from '../settle-numbers.js';

/** What is told about only as far as that it is there. */
const SECRETS = ['HF_TOKEN'];

/** `mtad config`: what holds, and who said so. @returns the exit code */
export async function runConfig(command: SettableName, program: Command): Promise<number> {
  const { path: pathOnly, json, color, config } = program.opts();
  const stdout = new Sink(undefined, () => {});
  const path = config === false ? undefined : settingsPath();
  const file = { path: path ?? null, exists: path !== undefined && existsSync(path) };
  if (pathOnly) {
    if (path !== undefined) await stdout.write(`${path}\n`);
    stdout.check();
    process.stderr.write(
      file.exists ? '' : `mtad: ${path ? 'there is no such file yet' : 'no settings file is read'}\n`,
    );
    return EXIT.ok;
  }
  await applySettings(command, program);
  settleNumbers(program);
  const secrets = SECRETS.map((name) => ({ name, isSet: Boolean(process.env[name]) }));
  const shown = { command, file, settings: shownSettings(program), secrets };
  await stdout.write(json ? configJson(shown) : configTable(shown, colorsFor(color, process.stdout.isTTY)));
  stdout.check();
  await warnOfVariables();
  return EXIT.ok;
}

function shownSettings(program: Command): Setting[] {
  return [...settingsOf(program)].map(([name, option]) => {
    const key = option.attributeName();
    const source = program.getOptionValueSource(key) ?? 'default';
    return { name, value: program.getOptionValue(key), source: source === 'cli' ? 'flag' : source, option };
  });
}

/** A variable that is no setting would have no effect, in silence. */
async function warnOfVariables(): Promise<void> {
  const programs = await Promise.all(SETTABLE.map((name) => PROGRAMS[name]()));
  const ours = Object.keys(process.env).filter((name) => /^MTAD_(?!CONFIG$)/.test(name));
  for (const variable of ours) {
    const name = variable.slice('MTAD_'.length).toLowerCase().replaceAll('_', '-');
    const complaint = complaintAbout(name, programs, { spelt: variableName });
    if (complaint !== undefined) process.stderr.write(`mtad: warning: ${variable} ${complaint}\n`);
  }
}
