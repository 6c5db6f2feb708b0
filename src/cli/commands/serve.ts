import { Command, Option } from 'commander';
import { modelsOf, withDraftSource } from '../../generation/draft-source.js';
import { parseSettings } from '../../generation/parse-settings.js';
import type { SettingsInput } from '../../generation/settings.js';
import type { Pair, PairOptions } from '../../models/pair.js';
import { USUAL_CONTEXT, usualContextSize } from '../../models/usual-context.js';
import { checkServerOptions, GRACE_MS, PORT, type ServerOptions } from '../../serve/options.js';
import { addDecodingOptions, type DecodingFlags, settingsOf } from '../decoding-options.js';
import { draftNotice } from '../draft-notice.js';
import { sayingDriftOnce } from '../drift-notice.js';
import { EXIT } from '../failures.js';
import type { Io } from '../io.js';
import { addModelOptions } from '../model-options.js';
import { whole } from '../option-kinds.js';
import { addTalkOptions, answerErrors } from '../program-options.js';
import { downloadReports } from '../render/downloads.js';
import {
  addEngineOption,
  addLearnOption,
  addRuntimeOptions,
  pairOptionsOf,
  type RuntimeFlags,
  runOptionsOf,
} from '../runtime-options.js';
import { addTemplateOptions, type TemplateFlags, templateChoiceOf } from '../template-options.js';
import { warn } from '../warnings.js';

/** What Commander makes of the options. Undefined = not given. */
interface ServeFlags extends RuntimeFlags, DecodingFlags, TemplateFlags {
  host?: string;
  port: number;
  apiKey?: string;
  cors: readonly string[];
  parallel: number;
  caches?: number;
  engine: NonNullable<PairOptions['engine']>;
  quiet?: boolean;
}

const EXAMPLES = `
A request may set what it wants of the decoding itself (temperature, seed, draft_length, threshold, …), and its "model" may
name a strategy: "speculative", "mtad:0.3".

Examples:
  mtad serve --pair llama-3.1-8b
  mtad serve -m llama-8b-q4.gguf -d llama-1b-q4.gguf --port 9000 --cors http://localhost:3000
  MTAD_API_KEY=secret mtad serve --host 0.0.0.0

  curl -N http://127.0.0.1:8077/v1/completions -H 'Content-Type: application/json' \\
    -d '{"prompt": "Once upon a time", "max_tokens": 40, "stream": true}'`;

export function createServe(io: Io): Command {
  const program = new Command('mtad serve')
    .usage('[options]')
    .description("Keep a pair of models loaded, and answer programs that speak OpenAI's HTTP interface.")
    .action(async (flags: ServeFlags) => {
      io.exitCode = await runServe(io, flags);
    });
  answerErrors(program, io, '(mtad serve --help lists the options)');

  addModelOptions(program, io);

  program.optionsGroup('Server:');
  program
    .option(
      '--host <address>',
      'where to listen (default: 127.0.0.1); another than this machine needs --api-key',
    )
    .addOption(whole('--port <n>', 'where to listen, 0 = where it is free', 0).default(PORT))
    .option('--api-key <key>', 'what clients must send; MTAD_API_KEY keeps it out of the list of processes')
    .addOption(
      new Option('--cors <origin>', 'web pages that may use the server, * = all; repeatable')
        .default([], 'none')
        .argParser((origin: string, all: string[] | false) => [...(all || []), origin]),
    )
    .addOption(whole('--parallel <n>', 'texts that are written at once', 1).default(1))
    .addOption(
      whole('--caches <n>', 'texts whose caches stay, for requests that begin like them (default: 2)', 1),
    );
  addTemplateOptions(program);

  program.optionsGroup('Decoding, where a request says nothing:');
  addDecodingOptions(program);

  program.optionsGroup('Runtime:');
  addEngineOption(program);
  addRuntimeOptions(program, `what the target was trained on, up to ${USUAL_CONTEXT}`);
  addLearnOption(program);

  program.optionsGroup('Output:');
  addTalkOptions(program, 'no progress, no warnings');
  program.addHelpText('after', EXAMPLES);
  return program;
}

/** `mtad serve`: loads the pair and answers requests until it is interrupted. @returns the exit code */
async function runServe(io: Io, flags: ServeFlags): Promise<number> {
  checkServerOptions(serverOptions(flags)); // before models are looked for
  const settings: SettingsInput = { ...settingsOf(flags), ...templateChoiceOf(flags, io) };
  const asked = parseSettings(settings);
  const { attended } = await import('../attended.js');
  const { findPair, loadPair } = await import('../../models/pair.js'); // half a second, so not before it is needed
  return attended(io, flags, async ({ signal }, progress) => {
    const options: PairOptions = {
      ...pairOptionsOf(flags, io),
      ...downloadReports(io, flags, progress),
      engine: flags.engine,
      needsDraft: asked.draftFrom !== 'lookup', // a request may ask for a strategy that drafts
      signal,
    };
    const files = await findPair(options);
    progress.loading('Loading models');
    let pair: Pair | undefined;
    try {
      pair = await loadPair(options, files);
      const template = await pair.target.chatTemplate?.(asked); // a wrong one is refused before anybody asks
      const { startServer } = await import('../../serve/server.js');
      const contextSize = usualContextSize(files.target.trainContextSize, flags.ctxSize);
      const say = (line: string) => {
        if (!flags.quiet) io.say(line);
      };
      const server = await startServer(pair, {
        ...serverOptions(flags),
        settings,
        run: { ...runOptionsOf(flags, io), contextSize },
        onText: sayingDriftOnce(pair.history, say),
      });
      progress.stop();
      warn(flags, files, template, undefined, say);
      const notice = draftNotice(asked, withDraftSource(asked, modelsOf(pair)), files);
      if (notice !== undefined) say(notice);
      io.say(`listening on ${server.url}/v1 (Ctrl-C stops)`);
      await aborted(signal);
      say(`stopping; texts have ${GRACE_MS / 1000} s to come to their end`);
      await server.stop();
      return EXIT.ok;
    } finally {
      await pair?.dispose();
    }
  });
}

function serverOptions({ host, port, apiKey, cors, parallel, caches }: ServeFlags): ServerOptions {
  return { host, port, apiKey, cors, parallel, caches };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
