import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../src/engine/open.js';
import { isMachineLost, Losses } from '../../src/engine/rpc-losses.js';
import { loadPair } from '../../src/models/pair.js';
import { runInProcess } from '../support/run-in-process.js';

/** A file that is there. Servers are greeted before it is loaded. */
const LIBRARY = fileURLToPath(import.meta.url);

const load = (server: string, rpcLibrary: string | undefined = LIBRARY) =>
  loadPair({ rpc: [server], rpcLibrary, gpu: 'off', engine: 'direct' });

/** A server that answers whatever comes with these bytes, while something is done. */
async function withServer(
  answer: Buffer | undefined,
  run: (address: string) => Promise<void>,
): Promise<void> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    if (answer) socket.once('data', () => socket.write(answer));
    else socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await run(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  server.close();
}

/** What rpc-server says to a hello: how much follows, its version, its capabilities. */
function hello(major: number, minor: number): Buffer {
  return Buffer.concat([
    Buffer.from(new BigUint64Array([28n]).buffer),
    Buffer.of(major, minor, 0, 0),
    Buffer.alloc(24),
  ]);
}

describe('rpc', () => {
  it('takes addresses of this machine and of private networks, with a port', async () => {
    for (const server of ['box', 'http://127.0.0.1:1', '127.0.0.1:99999', '', '[::1]:50052', '::1:50052'])
      await expect(load(server), server).rejects.toThrow(/`rpc` names machines as host:port/);
    await expect(load('8.8.8.8:50052')).rejects.toThrow(
      /8\.8\.8\.8:50052 \(`rpc`\) is an address of the internet, .* use a tunnel/,
    );
  });

  it('tells a server that is not there, is none, or is of another release', async () => {
    await expect(load('127.0.0.1:2')).rejects.toThrow(
      /127\.0\.0\.1:2 \(`rpc`\) does not answer: .*ECONNREFUSED/,
    );
    await withServer(undefined, (address) =>
      expect(load(address)).rejects.toThrow(/does not answer: (it closes the connection|.*ECONNRESET)/),
    );
    await withServer(hello(5, 1), (address) =>
      expect(load(address)).rejects.toThrow(
        /speaks protocol 5\.1, and 6\.0 is known: run the rpc-server of the same/,
      ),
    );
    await withServer(hello(6, 0), (address) =>
      expect(load(address)).rejects.toThrow(/rpc\.test\.ts \(`rpcLibrary`\) is no library of this release/),
    );
  });

  it('needs the client library, and the engine direct', async () => {
    await expect(load('127.0.0.1:2', '/nowhere/libggml-rpc.so')).rejects.toThrow(
      /needs llama\.cpp's client library: name libggml-rpc\.so with `rpcLibrary`; npm run build:rpc makes it, and \/nowhere/,
    );
    await expect(loadPair({ rpc: ['127.0.0.1:2'], gpu: 'off' })).rejects.toThrow(
      /needs llama\.cpp's client library/,
    );
    const engine = await createEngine('bindings', { gpu: 'off' });
    const rpc = { servers: ['127.0.0.1:2'], library: undefined };
    await expect(engine.loadModel('any.gguf', { rpc })).rejects.toThrow(/`rpc` needs the engine direct/);
    await engine.dispose();
  });

  it('is an option of mtad', async () => {
    const { exitCode, stderr } = await runInProcess([
      'Once',
      '--rpc',
      '127.0.0.1:2',
      '--rpc-library',
      LIBRARY,
    ]);
    expect(stderr).toMatch(
      /^mtad: The machine at 127\.0\.0\.1:2 \(--rpc\) does not answer: .*ECONNREFUSED.*\n$/,
    );
    expect(exitCode).toBe(5);
  });
});

it('ends the calls that wait for a machine that is lost, and all after them', async () => {
  const losses = new Losses();
  expect(await losses.during(async () => 7)).toBe(7);
  const waiting = losses.during(() => new Promise(() => {}));
  losses.tell(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  await expect(losses.during(async () => 7)).rejects.toThrow('gone');
  expect(isMachineLost()).toBe(true);
});
