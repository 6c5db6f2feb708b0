/**
 * Shows a target whose layers two rpc-server processes on loopback compute: the text, the speed, what goes over the network, and what
 * happens where one is killed.
 *   npm run check:rpc [-- --delays 0,5,50] [--max-tokens 64]
 * A proxy in front of each server makes the network longer. `npm run build:rpc` runs first.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { positive, runScript } from './arguments.js';
import { buildRpc, RPC_FOLDER } from './build-rpc.js';
import { type DelayingProxy, delayingProxy } from './delaying-proxy.js';

const BIN = fileURLToPath(new URL('../bin/mtad.js', import.meta.url));
const { values } = parseArgs({
  options: {
    delays: { type: 'string', default: '0,5,50' },
    'max-tokens': { type: 'string', default: '64' },
  },
});
const COMMON = ['Once upon a time', '--seed', '1', '--threads', '1', '--ignore-eos', '--gpu', 'off'];
const STRATEGIES = [
  ['--strategy', 'autoregressive'],
  ['--strategy', 'mtad', '--draft-length', '4'],
];

interface Found {
  readonly text: string;
  readonly tokens_per_second: number;
  readonly speculation: { readonly target_passes: number };
}

await runScript(async () => {
  const maxTokens = positive('max-tokens', values['max-tokens']);
  const { library, server } = await buildRpc(RPC_FOLDER);
  const servers = await Promise.all([startServer(server), startServer(server)]);
  try {
    const here = await Promise.all(STRATEGIES.map((one) => written([...one, '-n', `${maxTokens}`])));
    say('| delay | strategy | tokens/s | tokens/s here | kB a pass | text |\n|---|---|---|---|---|---|');
    for (const delay of values.delays.split(',').map(Number)) {
      const proxies = await Promise.all(servers.map(({ port }) => delayingProxy(port, delay)));
      const options = ['--rpc', addresses(proxies), '--rpc-library', library];
      for (const [i, strategy] of STRATEGIES.entries()) {
        const local = here[i]!;
        const [short, whole] = [1, maxTokens].map((tokens) => ['-n', `${tokens}`, ...strategy, ...options]);
        const first = await counted(proxies, short!);
        const all = await counted(proxies, whole!);
        const passes = all.found.speculation.target_passes - first.found.speculation.target_passes;
        const cells = [
          `${delay} ms`,
          strategy.slice(1).join(' '),
          all.found.tokens_per_second.toFixed(1),
          local.tokens_per_second.toFixed(1),
          ((all.bytes - first.bytes) / passes / 1000).toFixed(1),
          all.found.text === local.text ? 'the same' : 'another',
        ];
        say(`| ${cells.join(' | ')} |`);
      }
      for (const proxy of proxies) proxy.close();
    }
    await killed(servers, library);
  } finally {
    for (const { process: one } of servers) one.kill();
  }
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function written(args: readonly string[]): Promise<Found> {
  const { stdout } = await execa(process.execPath, [BIN, ...COMMON, ...args, '--json'], {
    stdin: 'ignore',
  });
  return JSON.parse(stdout);
}

async function counted(proxies: readonly DelayingProxy[], args: readonly string[]) {
  const bytes = () => proxies.reduce((sum, proxy) => sum + proxy.bytes, 0);
  const before = bytes();
  const found = await written(args);
  return { found, bytes: bytes() - before };
}

/** Kills a server when the text has begun. */
async function killed([kept, lost]: readonly Running[], library: string): Promise<void> {
  const rpc = [kept!, lost!].map(({ port }) => `127.0.0.1:${port}`).join(',');
  const args = [...COMMON, '-n', '1000', '--draft-length', '4', '--rpc', rpc, '--rpc-library', library];
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [text, said] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    if (text === '') lost!.process.kill('SIGKILL');
    text += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const [code] = await once(child, 'close');
  say(`\nOne server killed: exit code ${code}, ${text.length} characters are kept; ${said.trimEnd()}`);
}

interface Running {
  readonly port: number;
  readonly process: ChildProcess;
}

async function startServer(program: string): Promise<Running> {
  const free = await delayingProxy(0, 0);
  const { port } = free;
  free.close();
  const server = spawn(program, ['-p', `${port}`, '-t', '1'], { stdio: 'ignore' });
  server.on('error', ({ message }) => process.stderr.write(`${program}: ${message}\n`));
  await sleep(500); // it says on no stream of ours that it listens, and each connection is a client to it
  return { port, process: server };
}

function addresses(proxies: readonly DelayingProxy[]): string {
  return proxies.map(({ port }) => `127.0.0.1:${port}`).join(',');
}
