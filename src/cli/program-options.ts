import { type Command, Option } from 'commander';
import { harmless } from './harmless.js';
import type { Io } from './io.js';
import { choice } from './option-kinds.js';
import { printNow } from './render/sink.js';

/** The value behind an unknown option: it may be a key, behind a name that is misspelt. */
const VALUE = /^(error: unknown option '--[^=']+)=[\s\S]*?'(?=[;\n]|$)/;

/** How every command speaks of wrong arguments. */
export function answerErrors(program: Command, io: Io, hint: string): Command {
  return program
    .showHelpAfterError(hint)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => printNow(text, io.stdout),
      writeErr: (text) => io.stderr.write(harmless(text)), // it repeats arguments
      getOutHelpWidth: () => (io.stdout.isTTY ? io.stdout.columns! : 80),
      getErrHelpWidth: () => (io.stderr.isTTY ? io.stderr.columns! : 80),
      outputError: (text, write) => write(text.replace(VALUE, "$1'").replace(/^error: /, 'mtad: ')),
    });
}

export function colorOption(): Option {
  return choice(new Option('--color <when>', 'colours'), { auto: 'auto', on: 'always', off: 'never' });
}

/** For commands that show a text as it comes. */
export function addWrapOption(program: Command): void {
  program.option('--no-wrap', 'leave it to the terminal where lines break, and not between words');
}

/** How much every command that runs models says beside its result. */
export function addTalkOptions(program: Command, quiet = 'no progress, no warnings, no figures'): void {
  program
    .addOption(colorOption())
    .option('-q, --quiet', quiet)
    .option('-v, --verbose', "llama.cpp's log, and errors in full");
}
