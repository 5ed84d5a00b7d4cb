/** A TCP proxy that a test can cut, freeze or slow down, so that a service fails for one client only. */

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface TcpProxy {
  port: number;
  /** How many connections were accepted until now. */
  readonly connections: number;
  /** Resets every connection and refuses new ones, like a killed service. */
  cut(): void;
  /** Resets every connection. New connections are accepted. */
  reset(): void;
  /** Accepts connections and bytes but forwards nothing, like a service after SIGSTOP. */
  freeze(): void;
  /** Drops all further bytes of the open connections, as when a peer loses power. New connections work. */
  halfOpen(): void;
  /** As {@link halfOpen}, and the bytes of new connections are dropped too, as by a firewall. */
  blackHole(): void;
  /** Delays each chunk by this time in each direction. */
  slowDown(latencyMs: number): void;
  /** Forwards everything again, including what arrived while it was frozen. Dropped bytes stay lost. */
  restore(): void;
  close(): Promise<void>;
}

/** @param options.port to listen on; a free one by default */
export async function createTcpProxy(
  target: { host: string; port: number },
  options: { port?: number } = {},
): Promise<TcpProxy> {
  let state: 'open' | 'cut' | 'frozen' | 'black-hole' = 'open';
  let latencyMs = 0;
  let connections = 0;
  const sockets = new Set<Socket>();
  /** Both sockets of connections whose bytes and end are dropped. */
  const lost = new WeakSet<Socket>();

  const server = createServer((inner) => {
    if (state === 'cut') return void inner.resetAndDestroy();
    connections += 1;
    const outer = connect(target);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from);
      if (state === 'black-hole') lost.add(from);
      let waiting = 0;
      let passed = Promise.resolve();
      /** Keeps the order, so that a connection does not end before its last bytes are forwarded. */
      const pass = (action: () => void) => {
        if (lost.has(from)) return;
        if (latencyMs === 0 && waiting === 0) return action();
        waiting += 1;
        passed = afterBoth(passed, delay(latencyMs), () => {
          waiting -= 1;
          if (!lost.has(from)) action();
        });
      };
      from.on('error', () => pass(() => to.resetAndDestroy()));
      from.on('close', () => {
        sockets.delete(from);
        pass(() => to.destroy());
      });
      from.on('data', (chunk) => pass(() => void to.write(chunk)));
      if (state === 'frozen') from.pause();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const loseAll = () => {
    for (const socket of sockets) lost.add(socket.resume());
  };
  const resetAll = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };

  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    get connections() {
      return connections;
    },
    cut() {
      state = 'cut';
      resetAll();
    },
    reset: resetAll,
    freeze() {
      state = 'frozen';
      for (const socket of sockets) socket.pause();
    },
    halfOpen: loseAll,
    blackHole() {
      state = 'black-hole';
      loseAll();
    },
    slowDown(ms) {
      latencyMs = ms;
    },
    restore() {
      state = 'open';
      latencyMs = 0;
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

async function afterBoth(one: Promise<void>, other: Promise<void>, action: () => void): Promise<void> {
  await one;
  await other;
  action();
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
