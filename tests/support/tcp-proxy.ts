/** A TCP proxy that a test can cut, freeze or let die silently, to take a service away from one client and no other. */

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface TcpProxy {
  port: number;
  /** Breaks every connection and refuses new ones, as a service that was killed. */
  cut(): void;
  /** Breaks every connection; new ones are welcome. */
  reset(): void;
  /** Takes connections and bytes but passes nothing on, as a service that was stopped. */
  freeze(): void;
  /** Swallows for ever what the present connections carry; new ones pass. So does a peer that went without a word. */
  halfOpen(): void;
  /** As {@link halfOpen}, and new connections are swallowed too, as by a firewall that drops packets. */
  blackHole(): void;
  /** Holds back each piece by this many milliseconds on each way, from now on. */
  slowDown(latencyMs: number): void;
  /** Lets everything pass again, at once, what came in while it was frozen included. What was swallowed stays lost. */
  restore(): void;
  close(): Promise<void>;
}

/** @param options.port to listen on; any free one unless told */
export async function createTcpProxy(
  target: { host: string; port: number },
  options: { port?: number } = {},
): Promise<TcpProxy> {
  let state: 'open' | 'cut' | 'frozen' | 'black-hole' = 'open';
  let latencyMs = 0;
  const sockets = new Set<Socket>();
  /** Both ends of connections whose bytes, and whose end, the other side will never see. */
  const lost = new WeakSet<Socket>();

  const server = createServer((inner) => {
    if (state === 'cut') return void inner.resetAndDestroy();
    const outer = connect(target);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from);
      if (state === 'black-hole') lost.add(from);
      let waiting = 0;
      let passed = Promise.resolve();
      /** After whatever came before it, so that a connection does not end before its last words are through. */
      const pass = (deed: () => void) => {
        if (lost.has(from)) return;
        if (latencyMs === 0 && waiting === 0) return deed();
        waiting += 1;
        passed = afterBoth(passed, delay(latencyMs), () => {
          waiting -= 1;
          if (!lost.has(from)) deed();
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

async function afterBoth(one: Promise<void>, other: Promise<void>, deed: () => void): Promise<void> {
  await one;
  await other;
  deed();
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
