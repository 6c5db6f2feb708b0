import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

/** A forward proxy on loopback that knows CONNECT, takes every host for this machine, and remembers where to. */
export class ForwardProxy {
  readonly tunnels: string[] = []; // host:port
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((_, response) => response.writeHead(405).end());
    this.#server.on('connect', ({ url = '' }, client) => {
      this.tunnels.push(url);
      const upstream = connect(Number(url.split(':')[1]), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.pipe(client).pipe(upstream);
      });
      for (const end of [client, upstream])
        end.on('error', () => {
          client.destroy();
          upstream.destroy();
        });
    });
  }

  static async open(): Promise<ForwardProxy> {
    const proxy = new ForwardProxy();
    await new Promise<void>((listening) => proxy.#server.listen(0, '127.0.0.1', listening));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
