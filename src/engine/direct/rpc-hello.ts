import { lookup } from 'node:dns/promises';
import { BlockList, connect } from 'node:net';
import { ResourceError, UsageError } from '../../errors.js';

/** The protocol of llama.cpp's RPC backend in the release that the direct engine knows. */
const PROTOCOL = { major: 6, minor: 0 };

/** Milliseconds that a server may take to say hello. It serves one client at a time, and the next one waits. */
const PATIENCE_MS = 5000;

/** RPC_CMD_HELLO, the size of what follows, and no capabilities. */
const HELLO = Buffer.concat([Buffer.of(14), Buffer.from(new BigUint64Array([24n]).buffer), Buffer.alloc(24)]);
/** The size of the answer, and the version in it. */
const ANSWER_BYTES = 8 + 4;

/** Networks that the internet does not reach. llama.cpp's client knows IPv4 alone. */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  PRIVATE.addSubnet(network, prefix, 'ipv4');

/**
 * Greets servers of llama.cpp's RPC backend, which ends the process where one does not answer as it should.
 * @param servers `host:port` each, the host by name or IPv4 address
 * @returns the same with the addresses that were greeted: another look at a name might find another machine
 * @throws UsageError for what is no address, or one that the internet may reach; ResourceError where no such server answers
 */
export async function greet(servers: readonly string[]): Promise<string[]> {
  const greeted: string[] = [];
  for (const server of servers) {
    const [, host, port] = /^([^\s:[\]/]+):(\d{1,5})$/.exec(server) ?? [];
    if (host === undefined || Number(port) > 65535)
      throw new UsageError(
        `\`rpc\` names machines as host:port, such as 192.168.1.20:50052 (IPv4 or a name), not ${server}`,
      );
    const { address } = await lookup(host, { family: 4 }).catch((cause: Error) => {
      throw new ResourceError(`No machine ${host} is known (\`rpc\`): ${cause.message}`, { cause });
    });
    if (!PRIVATE.check(address, 'ipv4'))
      throw new UsageError(
        `${server} (\`rpc\`) is an address of the internet, and RPC has no password and no encryption: use a tunnel, such as ssh -L`,
      );
    await hello(server, address, Number(port));
    greeted.push(`${address}:${port}`);
  }
  return greeted;
}

async function hello(server: string, host: string, port: number): Promise<void> {
  const answer = await new Promise<Buffer>((resolve, reject) => {
    let received = Buffer.alloc(0);
    const socket = connect({ host, port, timeout: PATIENCE_MS }, () => socket.write(HELLO));
    const refuse = (why: string) => {
      socket.destroy();
      reject(new ResourceError(`The machine at ${server} (\`rpc\`) does not answer: ${why}`));
    };
    socket.on('timeout', () =>
      refuse('it may be serving another program; rpc-server has one client at a time'),
    );
    socket.on('error', ({ message }) => refuse(message));
    socket.on('close', () => refuse('it closes the connection; rpc-server of llama.cpp must run there'));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < ANSWER_BYTES) return;
      resolve(received);
      socket.destroy();
    });
  });
  const [major, minor] = answer.subarray(8);
  if (major !== PROTOCOL.major || minor! > PROTOCOL.minor)
    throw new ResourceError(
      `The machine at ${server} (\`rpc\`) speaks protocol ${major}.${minor}, and ${PROTOCOL.major}.${PROTOCOL.minor} is known: ` +
        'run the rpc-server of the same release of llama.cpp there',
    );
}
