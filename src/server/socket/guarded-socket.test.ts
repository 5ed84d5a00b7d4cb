import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { guardSocket, type GuardedSocket } from './guarded-socket.ts';

let server: WebSocketServer;
let client: WebSocket;
let socket: WebSocket;

beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[WebSocket]>;
  client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  [socket] = await accepted;
  await once(client, 'open');
});
afterEach(() => {
  client.terminate();
  server.close();
});

const guard = (maxStallMs = 20_000): GuardedSocket =>
  guardSocket(socket, {
    expectsParams: false,
    opened: Promise.resolve(),
    admitCall: async () => null,
    admitMessages: () => null,
    maxStallMs,
  });

/** Sends until the kernel buffers are full and `bytes` wait in this process. */
async function fill(guarded: GuardedSocket, bytes: number): Promise<void> {
  client.pause();
  const chunk = 'x'.repeat(256 * 1024);
  for (let sent = 0; socket.bufferedAmount < bytes && sent < 200; sent += 1) {
    guarded.facade.send(chunk);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

describe('a client that does not read', () => {
  it('pauses its subscriptions until it reads again', async () => {
    const guarded = guard();
    await guarded.whenWritable(new AbortController().signal);
    await fill(guarded, 512 * 1024);
    let resumed = false;
    const writable = guarded.whenWritable(new AbortController().signal).then(() => {
      resumed = true;
      return resumed;
    });
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    expect(resumed).toBe(false);
    client.resume();
    expect(await writable).toBe(true);
  });

  it('is closed with 1013 when it does not read for too long', async () => {
    const guarded = guard(50);
    await fill(guarded, 512 * 1024);
    const ended = guarded.whenWritable(new AbortController().signal);
    await expect.poll(() => socket.readyState).toBe(WebSocket.CLOSING);
    client.resume();
    const [[code]] = (await Promise.all([once(client, 'close'), ended])) as [[number], void];
    expect(code).toBe(1013);
  });

  it('is closed with 1013 when more than a mebibyte waits for it', async () => {
    const guarded = guard();
    await fill(guarded, 2 * 1024 * 1024);
    expect(socket.readyState).toBe(WebSocket.CLOSING);
    expect(socket.bufferedAmount).toBeLessThan(2 * 1024 * 1024);
    client.resume();
    expect((await once(client, 'close'))[0]).toBe(1013);
  });

  it('is not read from while answers wait for it, and receives every answer when it reads again', async () => {
    const guarded = guard();
    let pongs = 0;
    client.on('message', (data: Buffer) => {
      if (data.toString() === 'PONG') pongs += 1;
    });
    await fill(guarded, 96 * 1024);
    let pings = 0;
    while (!socket.isPaused && pings < 50_000) {
      for (let sent = 0; sent < 500; sent += 1) client.send('PING');
      pings += 500;
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    expect(socket.isPaused).toBe(true);
    client.resume();
    await expect.poll(() => pongs, { timeout: 10_000 }).toBe(pings);
  });

  it('no longer pauses a subscription that is stopped', async () => {
    const guarded = guard();
    await fill(guarded, 512 * 1024);
    const abort = new AbortController();
    const writable = guarded.whenWritable(abort.signal);
    abort.abort();
    await writable;
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });
});
