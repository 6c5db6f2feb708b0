import { Argument, Command } from 'commander';
import { answerErrors } from '../options.js';

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;

export type Shell = (typeof SHELLS)[number];

const EXAMPLES = `
Examples:
  eval "$(mtad complete bash)"                                     in ~/.bashrc
  mtad complete zsh > "\${fpath[1]}/_mtad"                          once
  mtad complete fish > ~/.config/fish/completions/mtad.fish        once
  mtad complete powershell | Out-String | Invoke-Expression        in $PROFILE`;

/** The command line of `mtad complete`. The scripts call `mtad complete -- <words so far>`. */
export function createCompleteProgram([first, ...words]: readonly string[]): Command {
  const program = new Command('mtad complete')
    .usage('<shell>')
    .description('Print the script that completes commands, options and their values in a shell.');
  if (first === '--')
    return program.argument('[words...]').action(async () => {
      const { completeWords } = await import('../commands/complete.js');
      await completeWords(words);
    });
  program.addArgument(new Argument('<shell>', 'which shell').choices(SHELLS)).action(async (shell: Shell) => {
    const { printScript } = await import('../commands/complete.js');
    await printScript(shell);
  });
  return answerErrors(program, '(mtad complete --help has examples)').addHelpText('after', EXAMPLES);
}
