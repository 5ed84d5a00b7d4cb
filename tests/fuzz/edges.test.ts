import { setTimeout as delay } from 'node:timers/promises';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { appErrorCodes } from '../../src/shared/contract/errors.ts';
import { bearer, createApiCall } from '../support/api-call.ts';
import { startServerProcess, type ServiceProcess } from '../support/processes.ts';
import { collectingGarbage, memoryOf } from '../support/server-memory.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../support/services.ts';
import { mintToken } from '../support/test-server.ts';
import { createFigures, hangMs, inTime } from './answers.ts';
import { hostileFrame, wrongFrames } from './hostile-frames.ts';
import { hostileRequest, smuggling } from './hostile-requests.ts';
import { nested } from './hostile-text.ts';
import { closeCodeOf, frameBytes, openLine, sayAll, statusesOf, type RawLine } from './raw-line.ts';

/** Far less than the size of all inputs of this file, and far more than the noise. */
const flatBytes = 25_000_000;
/** A slow client has ten seconds for a request, and Node checks every second. */
const slowLimitMs = 20_000;

let database: TestDatabase;
let server: ServiceProcess;
let port: number;
let token: string;
let call: ReturnType<typeof createApiCall>;
let memoryBefore: number;
let linesBefore: number;
const figures = createFigures();

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  server = await startServerProcess({
    databaseUrl: database.url,
    redisUrl: redis.url,
    env: {
      RATE_LIMIT_PER_MINUTE: '10000000',
      ...collectingGarbage,
    },
  });
  port = Number(new URL(server.url).port);
  token = await mintToken(database.url, 'user');
  call = createApiCall(server.url, bearer(token));
  // The first requests compile code and fill pools. That is not a leak.
  await fc.assert(
    fc.asyncProperty(hostileRequest, async (bytes) => void (await sayAll(port, bytes))),
    { numRuns: 200 },
  );
  await withSocket(subscribe);
  memoryBefore = await memoryOf(server);
  linesBefore = await openLines();
});
afterAll(async () => {
  await server.kill();
  await database.drop();
});

/** All TCP connections of the server, including those to the database, to Redis, and of `fetch` in this file. */
const openLines = () => server.metric('nodejs_active_resources', { type: 'TCPSocketWrap' });

const handshake = (extra = '') =>
  `GET /trpc HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer ${token}\r\n${extra}\r\n`;

/** A connection after the handshake, with a signed-in person. */
async function openSocketLine(extra = ''): Promise<RawLine> {
  const line = await openLine(port);
  line.socket.write(handshake(extra));
  await inTime(line.receives(/^HTTP\/1\.1 101 [^]*\r\n\r\n/), 'a handshake');
  return line;
}

async function withSocket(use: (line: RawLine) => Promise<void>): Promise<void> {
  const line = await openSocketLine();
  try {
    await use(line);
  } finally {
    line.socket.destroy();
  }
}

const text = (words: string) =>
  frameBytes({ fin: true, reserved: 0, opcode: 1, masked: true, payload: Buffer.from(words) });

async function subscribe(line: RawLine): Promise<void> {
  line.socket.write(text('{"id":1,"method":"subscription","params":{"path":"projects.onChange"}}'));
  await inTime(line.receives(/"type":"snapshot"/), 'a subscription');
}

/** Every refusal has a message, and no status is 5xx, except 503 for the issuer, which is down here. */
function judge(received: string, what: string): void {
  const statuses = statusesOf(received);
  for (const status of statuses) {
    if (status < 500) continue;
    expect([status, received], what).toEqual([503, expect.stringMatching(/sign-in|issuer/i)]);
  }
  const json = /^HTTP\/1\.1 [45][^]*?content-type: application\/json[^]*?\r\n\r\n(\{"error"[^]*)$/i.exec(received)?.[1];
  if (statuses.length === 1 && json !== undefined) {
    const { error } = JSON.parse(json) as { error: { message: string; data: { appCode: string; httpStatus: number } } };
    expect(appErrorCodes, what).toContain(error.data.appCode);
    expect(error.data.appCode, what).not.toBe('INTERNAL');
    expect(error.data.httpStatus, what).toBe(statuses[0]);
    expect(error.message, what).toMatch(/[.!]$/);
  }
  expect(received, what).not.toMatch(/root:x:|node_modules|\.ts:\d/);
  figures.add(statuses.length === 0 ? 'disconnected without an answer' : `answered ${statuses.join(' and ')}`);
}

describe('bytes on an HTTP connection', () => {
  it('well-formed and malformed requests are answered or disconnected in time, and never with a 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostileRequest, { minLength: 20, maxLength: 20 }), async (requests) => {
        await Promise.all(
          requests.map(async (bytes) => {
            const what = bytes.subarray(0, 400).toString('latin1');
            judge(await inTime(sayAll(port, bytes), what), what);
          }),
        );
      }),
      { numRuns: 75, interruptAfterTimeLimit: 40_000 },
    );
  }, 60_000);

  it('a HEAD request to a procedure is answered with 404', async () => {
    for (const path of ['/trpc/auth.me', '/trpc/tokens.create', '/trpc/nothing']) {
      const received = await inTime(
        sayAll(port, Buffer.from(`HEAD ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)),
        path,
      );
      expect(statusesOf(received), path).toEqual([404]);
      figures.add('answered 404');
    }
  });

  it.each(Object.entries(smuggling))('a second request cannot be smuggled behind %s', async (_what, lines) => {
    const head = `POST /trpc/tokens.create HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n`;
    const hidden = 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const received = await inTime(
      sayAll(
        port,
        Buffer.from(`${head}Content-Type: application/json\r\n${lines}\r\n\r\n0\r\n\r\n${hidden}`, 'latin1'),
      ),
      lines,
    );
    expect(statusesOf(received)).toEqual([400]);
    expect(received).toMatch(/connection: close/i);
    figures.add('answered 400');
  });

  it('requests whose answers are not read wait without using memory', async () => {
    const line = await openLine(port);
    line.socket.pause();
    const requests = Buffer.from('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2_000));
    line.socket.write(requests);
    await expect.poll(() => line.socket.writableLength, { timeout: 5_000 }).toBeLessThan(requests.length + 1);
    expect((await inTime(call('auth.me'), 'another client')).status).toBe(200);
    expect((await memoryOf(server)) - memoryBefore).toBeLessThan(flatBytes);
    line.socket.destroy();
    figures.add('pipelined and not read', 2_000);
  }, 30_000);

  it('JSON that is not a tRPC call is refused as invalid', async () => {
    const values = [
      'null',
      '5',
      '"a"',
      '[]',
      '[[]]',
      '{"jsonrpc":"2.0","method":"auth.me","id":1}',
      '{"query":"{me}"}',
      nested(20_000),
    ];
    for (const json of values) {
      for (const path of ['tokens.create', 'tokens.create,tokens.create?batch=1']) {
        const answer = await inTime(call(path, { body: json }), json);
        expect(answer.status, json.slice(0, 50)).toBeGreaterThanOrEqual(400);
        expect(answer.status, json.slice(0, 50)).toBeLessThan(500);
        expect(answer.text).toMatch(/"appCode":"VALIDATION_FAILED"/);
        figures.add(`answered ${answer.status}`);
      }
    }
  });
});

describe.concurrent('slow clients', () => {
  it('clients with slow headers or handshakes, and silent clients, are disconnected within seconds while others are served', async () => {
    const startedAt = performance.now();
    const beginnings = [
      'GET /trpc/auth.me HTTP/1.1\r\nHost: localhost\r\nX-Slow: ',
      `${handshake().slice(0, -2)}X-Slow: `,
      '', // sends nothing
    ];
    const lines = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const beginning = beginnings[index % beginnings.length] ?? '';
        const line = await openLine(port);
        line.socket.write(beginning);
        const dribble = setInterval(() => {
          if (beginning !== '' && !line.socket.destroyed) line.socket.write('x');
        }, 300);
        void line.ended.then(() => clearInterval(dribble));
        return line;
      }),
    );
    const open = new Set(lines);
    for (const line of lines) void line.ended.then(() => open.delete(line));
    let longestMs = 0;
    while (open.size > 0 && performance.now() - startedAt < slowLimitMs) {
      const askedAt = performance.now();
      expect((await inTime(call('auth.me'), 'another client')).status).toBe(200);
      longestMs = Math.max(longestMs, performance.now() - askedAt);
      await delay(100); // between two calls of a person
    }
    expect(open.size).toBe(0);
    expect(longestMs).toBeLessThan(hangMs);
    for (const line of lines) judge(line.received(), 'a slow line');
    expect(figures.count('answered 408')).toBeGreaterThan(100);
  }, 40_000);
});

describe.concurrent('slow bodies', () => {
  it('a request with a slow body is answered with a message and disconnected', async () => {
    const head =
      `POST /trpc/tokens.create HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{';
    const lines = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const line = await openLine(port);
        line.socket.write(head);
        const dribble = setInterval(() => {
          if (!line.socket.destroyed) line.socket.write(' ');
        }, 300);
        const answeredAt = line.receives(/^HTTP\/1\.1 /).then(() => performance.now());
        const endedAt = line.ended.then(() => performance.now());
        void line.ended.then(() => clearInterval(dribble));
        return { line, answeredAt, endedAt };
      }),
    );
    for (const { line, answeredAt, endedAt } of lines) {
      expect((await endedAt) - (await answeredAt)).toBeLessThan(1_000);
      expect([408, 503]).toContain(statusesOf(line.received())[0]);
      expect(line.received()).toMatch(/connection: close[^]*"message":"[^"]+[.]"/i);
      figures.add('a slow body answered');
    }
  }, 40_000);
});

describe('bytes on a WebSocket', () => {
  it.each(Object.entries(wrongFrames))('%s closes the socket with the right code', async (_what, { frames, code }) => {
    await withSocket(async (line) => {
      line.socket.write(Buffer.concat(frames.map(frameBytes)));
      await inTime(line.ended, 'a wrong frame');
      expect(closeCodeOf(line.received())).toBe(code);
      figures.add(`closed with ${code}`);
    });
  });

  it('arbitrary frames are answered or close the socket, and the server continues', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(hostileFrame, { minLength: 1, maxLength: 4 }), { minLength: 10, maxLength: 10 }),
        async (conversations) => {
          await Promise.all(
            conversations.map(async (frames) => {
              const line = await openSocketLine();
              line.socket.end(Buffer.concat(frames.map(frameBytes))); // half-closes the connection
              await inTime(line.ended, Buffer.concat(frames.map(frameBytes)).toString('hex').slice(0, 600));
              expect(line.received()).not.toMatch(/INTERNAL|node_modules/);
              figures.add(`closed with ${closeCodeOf(line.received()) ?? 'no code'}`, frames.length);
            }),
          );
        },
      ),
      { numRuns: 60, interruptAfterTimeLimit: 30_000 },
    );
    expect((await call('auth.me')).status).toBe(200);
  }, 60_000);

  it('20,000 calls in one frame close the socket with 1008, and none is carried out', async () => {
    for (const one of ['0', '{}', '[]']) {
      await withSocket(async (line) => {
        line.socket.write(text(`[${Array(20_000).fill(one).join(',')}]`));
        await inTime(line.ended, '20,000 calls');
        expect(closeCodeOf(line.received())).toBe(1008);
        expect(line.received()).not.toMatch(/"error"/);
        figures.add('closed with 1008', 20_000);
      });
    }
  });

  it('compression is never negotiated, so a compression bomb has no effect', async () => {
    const line = await openSocketLine('Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n');
    expect(line.received()).not.toMatch(/sec-websocket-extensions/i);
    line.socket.write(frameBytes({ fin: true, reserved: 4, opcode: 1, masked: true, payload: Buffer.alloc(1_000) }));
    await inTime(line.ended, 'a compressed frame');
    expect(closeCodeOf(line.received())).toBe(1002);
    figures.add('closed with 1002');
  });
});

describe('after all requests', () => {
  it('no socket is left, memory is flat, and nothing was created', async () => {
    await expect.poll(() => server.metric('opencode_sockets'), { timeout: 15_000 }).toBe(0);
    expect(await server.metric('opencode_subscriptions')).toBe(0);
    // The database pool and `fetch` of this file may have a few more connections than before.
    await expect.poll(openLines, { timeout: 15_000 }).toBeLessThan(linesBefore + 15);
    expect((await memoryOf(server)) - memoryBefore).toBeLessThan(flatBytes);
    expect((await call('tokens.list')).data).toHaveLength(1);
    expect((await call('projects.list')).data).toMatchObject({ items: [] });
    const complaints = server
      .output()
      .split('\n')
      .filter((line) => !/^(\{"level":[1-4]0,.*)?$/.test(line));
    expect(complaints).toEqual([]);
  }, 60_000);

  it('more than 2,500 requests and frames were sent, besides the floods', () => {
    process.stdout.write(`fuzz of the edges: ${figures.line()}\n`);
    const floods = figures.count('pipelined and not read') + figures.count('closed with 1008');
    expect(figures.total() - floods).toBeGreaterThan(2_500);
    expect(figures.count('answered 400')).toBeGreaterThan(300);
  });
});
