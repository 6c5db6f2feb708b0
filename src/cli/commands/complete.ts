import { Argument, Command } from 'commander';
import type { Commands } from '../command.js';
import type { Io } from '../io.js';
import { answerErrors } from '../program-options.js';
import { Sink } from '../render/sink.js';

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;

const EXAMPLES = `
Examples:
  eval "$(mtad complete bash)"                                     in ~/.bashrc
  mtad complete zsh > "\${fpath[1]}/_mtad"                          once
  mtad complete fish > ~/.config/fish/completions/mtad.fish        once
  mtad complete powershell | Out-String | Invoke-Expression        in $PROFILE`;

/** The scripts call `mtad complete -- <words so far>`. */
export function createComplete(io: Io, [first, ...words]: readonly string[], commands: Commands): Command {
  const program = new Command('mtad complete')
    .usage('<shell>')
    .description('Print the script that completes commands, options and their values in a shell.');
  if (first === '--')
    return program.argument('[words...]').action(async () => {
      const { completions } = await import('../completion.js');
      await print(await completions(words, SHELLS, io, commands), io);
    });
  program
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action(async (shell: (typeof SHELLS)[number]) => {
      const { scriptFor } = await import('../completion.js');
      await print(scriptFor(shell), io);
    });
  return answerErrors(program, io, '(mtad complete --help has examples)').addHelpText('after', EXAMPLES);
}

async function print(text: string, { stdout }: Io): Promise<void> {
  const sink = new Sink(stdout);
  await sink.write(text);
  sink.check();
}
