import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request, type OutgoingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bearer, createApiCall } from '../support/api-call.ts';
import { cpuTimeMs } from '../support/cpu-time.ts';
import { startServerProcess, type ServiceProcess } from '../support/processes.ts';
import { openSocket } from '../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../support/services.ts';
import { mintToken } from '../support/test-server.ts';

let database: TestDatabase;
/** With the limits as they are shipped, behind one proxy. */
let server: ServiceProcess;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  const env = { RATE_LIMIT_PER_MINUTE: '', TRUSTED_PROXIES: '1' };
  server = await startServerProcess({ databaseUrl: database.url, redisUrl: redis.url, env });
}, 200_000);
afterAll(async () => {
  await server.kill();
  await database.drop();
});

interface Handshake {
  stream: Duplex;
  /** Everything that the server sent, once the connection has closed. */
  received: Promise<Buffer>;
}

/** Opens a WebSocket whose bytes the test writes itself: a client library would be slower than the server. */
function handshake(headers: OutgoingHttpHeaders): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const upgrade = request(`${server.url}/trpc`, {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
        ...headers,
      },
    });
    upgrade.once('error', reject);
    upgrade.once('response', ({ statusCode }) => reject(new Error(`refused with ${statusCode}`)));
    upgrade.once('upgrade', (_response, stream, head) => {
      const chunks: Buffer[] = [head];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', () => undefined); // the server may close while bytes are on the way
      const received = new Promise<Buffer>((settle) => stream.once('close', () => settle(Buffer.concat(chunks))));
      resolve({ stream, received });
    });
    upgrade.end();
  });
}

/** One frame of a client, masked with zeros. */
function frame(opcode: number, text: string): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

/** The code of the close frame, which is the last frame that the server sends. */
function closeCodeOf(received: Buffer): number | null {
  let code: number | null = null;
  for (let at = 0; at + 1 < received.length;) {
    const opcode = received.readUInt8(at) & 15;
    const short = received.readUInt8(at + 1);
    const length = short === 126 ? received.readUInt16BE(at + 2) : short;
    const start = at + (short === 126 ? 4 : 2);
    if (opcode === 8) code = received.readUInt16BE(start);
    at = start + length;
  }
  return code;
}

/**
 * Calls the API as another person until `end` resolves. Resolves to the 99th percentile of the work that the server does from
 * a request to its answer, in milliseconds. On a machine that does nothing else the person waits as long. Waits by the clock
 * would depend on what else runs on this machine.
 */
async function workUntil(end: Promise<unknown>, person: Record<string, string>): Promise<number> {
  const call = createApiCall(server.url, { ...person, ...from('192.0.2.1') });
  const workMs: number[] = [];
  const ended = new AbortController();
  const stop = () => ended.abort();
  end.then(stop, stop);
  while (!ended.signal.aborted) {
    const before = cpuTimeMs(server.pid);
    expect((await call('projects.list')).status).toBe(200);
    workMs.push(cpuTimeMs(server.pid) - before);
  }
  await end;
  return workMs.toSorted((one, other) => one - other)[Math.floor(workMs.length * 0.99)] ?? Infinity;
}

const from = (address: string) => ({ 'x-forwarded-for': address });
const signIn = async (name: string) => bearer(await mintToken(database.url, name));

describe('fault 44: floods inside sockets, and of sockets', () => {
  const stop = JSON.stringify({ id: 1, method: 'subscription.stop' });
  const subscribe = frame(1, JSON.stringify({ id: 1, method: 'subscription', params: { path: 'projects.onChange' } }));
  const floods = [
    { what: 'PING texts', one: frame(1, 'PING') },
    { what: 'PONG texts', one: frame(1, 'PONG') },
    { what: 'stops', one: frame(1, stop) },
    { what: 'messages of forty calls', one: frame(1, `[${Array(40).fill('1').join()}]`) },
    { what: 'ping frames', one: frame(9, '') },
    { what: 'pong frames', one: frame(10, '') },
  ];
  it('sockets with 1,000,000 messages of any kind are closed, and others wait less than 200 ms', async () => {
    const neighbour = await signIn('neighbour');
    const people = await Promise.all(
      floods.map(async ({ what }, index) => ({ ...(await signIn(what)), ...from(`192.0.2.${index + 2}`) })),
    );
    const sockets = await Promise.all(people.map(handshake));
    await Promise.all(
      sockets.map(async ({ stream }) => {
        stream.write(subscribe);
        await once(stream, 'data');
      }),
    );
    const closed = Promise.all(sockets.map(({ received }) => received));
    for (const [index, { one }] of floods.entries()) {
      const chunk = Buffer.concat(Array<Buffer>(10_000).fill(one));
      for (let sent = 0; sent < 100; sent += 1) sockets[index]?.stream.write(chunk);
    }
    expect(await workUntil(closed, neighbour)).toBeLessThan(200);
    const codes = (await closed).map(closeCodeOf);
    // The WebSocket library itself cuts a connection that sends ping frames and reads no pong frames.
    expect(codes).toEqual(floods.map(({ what }) => (what === 'ping frames' ? null : 1008)));

    // Messages have a budget of their own, so the person can still use the API and connect again.
    const [flooder = {}] = people;
    expect((await createApiCall(server.url, flooder)('auth.me')).status).toBe(200);
    (await handshake(flooder)).stream.destroy();
  });

  it('a person may hold a limited number of sockets, however many addresses they come from', async () => {
    const headers = await signIn('collector');
    const neighbour = await signIn('neighbour of the collector');
    const opened: Handshake[] = [];
    const flood = async () => {
      while (opened.length < 600) {
        const batch = Array.from({ length: 5 }, (_, index) =>
          handshake({ ...headers, ...from(`10.${index}.${Math.floor(opened.length / 250)}.${opened.length % 250}`) }),
        );
        opened.push(...(await Promise.all(batch)));
      }
    };
    expect(await workUntil(flood(), neighbour)).toBeLessThan(200);
    // A client that does not close its side is cut off after two seconds.
    await expect.poll(() => server.metric('opencode_sockets'), { timeout: 10_000 }).toBe(200);
    const closed = opened.filter(({ stream }) => stream.destroyed || stream.readableEnded);
    expect(closed.length).toBe(400);
    const codes = await Promise.all(closed.slice(0, 10).map(async ({ received }) => closeCodeOf(await received)));
    expect(new Set(codes)).toEqual(new Set([1013]));

    const other = await openSocket(server.url, { token: await mintToken(database.url, 'newcomer') });
    expect(await other.subscribe(1)).toMatchObject({ type: 'snapshot' });
    other.close();
    for (const { stream } of opened) stream.destroy();
    await expect.poll(() => server.metric('opencode_sockets')).toBe(0);
    const { stream } = await handshake({ ...headers, ...from('192.0.2.4') });
    await expect.poll(() => server.metric('opencode_sockets')).toBe(1);
    stream.destroy();
  });
});
