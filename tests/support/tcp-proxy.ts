/** A TCP proxy that a test can cut or freeze, to take a service away from a server without touching it for others. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy {
  port: number;
  /** Breaks every connection and refuses new ones, as a service that was killed. */
  cut(): void;
  /** Takes connections and bytes but passes nothing on, as a service that was stopped. */
  freeze(): void;
  /** Lets everything pass again, what came in while it was frozen included. */
  restore(): void;
  close(): Promise<void>;
}

export async function createTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  let state: 'open' | 'cut' | 'frozen' = 'open';
  const sockets = new Set<Socket>();

  const server = createServer((inner) => {
    if (state === 'cut') return void inner.resetAndDestroy();
    const outer = connect(target);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('data', (chunk) => to.write(chunk));
      if (state === 'frozen') from.pause();
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });

  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    cut() {
      state = 'cut';
      for (const socket of sockets) socket.resetAndDestroy();
    },
    freeze() {
      state = 'frozen';
      for (const socket of sockets) socket.pause();
    },
    restore() {
      state = 'open';
      for (const socket of sockets) socket.resume();
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

/** The same service behind a proxy: its URL with the proxy's address in it. */
export async function proxyOf(serviceUrl: string): Promise<{ url: string; proxy: TcpProxy }> {
  const url = new URL(serviceUrl);
  const defaultPort = url.protocol.startsWith('postgres') ? 5432 : 6379;
  const proxy = await createTcpProxy({ host: url.hostname, port: url.port === '' ? defaultPort : Number(url.port) });
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  return { url: url.href, proxy };
}
