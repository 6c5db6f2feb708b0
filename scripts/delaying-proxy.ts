/** Passes TCP connections on to a port of loopback, and holds back what clients send: a network in front of a server. */
import { type AddressInfo, connect, createServer } from 'node:net';

export interface DelayingProxy {
  readonly port: number;
  /** What passed so far, in both directions. */
  readonly bytes: number;
  close(): void;
}

/** @param delayMs by which each round trip takes longer */
export async function delayingProxy(port: number, delayMs: number): Promise<DelayingProxy> {
  let bytes = 0;
  const later = (act: () => void) => (delayMs > 0 ? void setTimeout(act, delayMs) : act()); // timers of equal length keep their order
  const proxy = createServer((client) => {
    const server = connect({ port, host: '127.0.0.1', noDelay: true });
    client.setNoDelay(true);
    client.on('data', (chunk) => {
      bytes += chunk.length;
      later(() => server.write(chunk));
    });
    server.on('data', (chunk) => {
      bytes += chunk.length;
      client.write(chunk);
    });
    client.on('end', () => later(() => server.end()));
    server.on('end', () => client.end());
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    port: (proxy.address() as AddressInfo).port,
    get bytes() {
      return bytes;
    },
    close: () => void proxy.close(),
  };
}
