import { Command } from 'commander';
import { EXIT } from '../failures.js';
import type { Io } from '../io.js';
import { answerErrors } from '../program-options.js';
import { checkOutputs, Sink } from '../render/sink.js';

const EXAMPLES = `
Examples:
  mtad --trace run.jsonl --seed 1 "Once upon a time"
  mtad explain run.jsonl -o run.html`;

export function createExplain(io: Io): Command {
  const program = new Command('mtad explain')
    .usage('<trace> [options]')
    .description(
      'A page that shows a run step by step: what was drafted, how likely both models found it, what was accepted.',
    )
    .argument('<trace>', 'what mtad --trace wrote; - is standard input')
    .action(async (trace: string, { output }: { output?: string }) => {
      io.exitCode = await runExplain(io, trace, output);
    });
  answerErrors(program, io, '(mtad explain --help lists the options)');
  return program
    .option('-o, --output <file>', 'the page, in HTML; standard output unless it is given')
    .addHelpText('after', EXAMPLES);
}

/** `mtad explain`: a trace in, a page out. @returns the exit code */
async function runExplain(io: Io, trace: string, output: string | undefined): Promise<number> {
  if (output !== undefined) checkOutputs([output], [trace]);
  const { readJudgedRun } = await import('../../explain/judged-run.js');
  const { explainPage } = await import('../../explain/page.js');
  const page = explainPage(await readJudgedRun(trace, io));
  const sink = new Sink(output ?? io.stdout);
  await sink.write(page);
  await sink.close();
  sink.check();
  return EXIT.ok;
}
