import { setTimeout as delay } from 'node:timers/promises';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { appErrorCodeSchema } from '../../src/shared/contract/errors.ts';
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

/** Far below what the inputs of this file come to if they were kept, far above the noise. */
const flatBytes = 25_000_000;
/** A slow client has ten seconds for a request, and Node looks every second. */
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
  // Code is compiled and pools are filled by the first that use them: that is no leak.
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

/** All TCP connections of the server: also those to the database, to Redis, and of this file's own fetch. */
const openLines = () => server.metric('nodejs_active_resources', { type: 'TCPSocketWrap' });

const handshake = (extra = '') =>
  `GET /trpc HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer ${token}\r\n${extra}\r\n`;

/** A line on which the handshake is done and somebody is signed in. */
async function openSocketLine(extra = ''): Promise<RawLine> {
  const line = await openLine(port);
  line.socket.write(handshake(extra));
  await inTime(line.hears(/^HTTP\/1\.1 101 [^]*\r\n\r\n/), 'a handshake');
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
  await inTime(line.hears(/"type":"snapshot"/), 'a subscription');
}

/** An answer in time, which is no 5xx but for the issuer, who is away here, and a sentence in every refusal. */
function judge(heard: string, what: string): void {
  const statuses = statusesOf(heard);
  for (const status of statuses) {
    if (status < 500) continue;
    expect([status, heard], what).toEqual([503, expect.stringMatching(/sign-in|issuer/i)]);
  }
  const json = /^HTTP\/1\.1 [45][^]*?content-type: application\/json[^]*?\r\n\r\n(\{"error"[^]*)$/i.exec(heard)?.[1];
  if (statuses.length === 1 && json !== undefined) {
    const { error } = JSON.parse(json) as { error: { message: string; data: { appCode: string; httpStatus: number } } };
    expect(appErrorCodeSchema.options, what).toContain(error.data.appCode);
    expect(error.data.appCode, what).not.toBe('INTERNAL');
    expect(error.data.httpStatus, what).toBe(statuses[0]);
    expect(error.message, what).toMatch(/[.!]$/);
  }
  expect(heard, what).not.toMatch(/root:x:|node_modules|\.ts:\d/);
  figures.add(statuses.length === 0 ? 'ended without a word' : `answered ${statuses.join(' and ')}`);
}

describe('bytes on a line of HTTP', () => {
  it('that are a request, nearly one or none, are answered or hung up on, in time and with no 5xx', async () => {
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

  it('that ask for the head of a procedure alone are answered with 404', async () => {
    for (const path of ['/trpc/auth.me', '/trpc/tokens.create', '/trpc/nothing']) {
      const heard = await inTime(sayAll(port, Buffer.from(`HEAD ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)), path);
      expect(statusesOf(heard), path).toEqual([404]);
      figures.add('answered 404');
    }
  });

  it.each(Object.entries(smuggling))('never hide a second request behind %s', async (_what, lines) => {
    const head = `POST /trpc/tokens.create HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n`;
    const hidden = 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const heard = await inTime(
      sayAll(
        port,
        Buffer.from(`${head}Content-Type: application/json\r\n${lines}\r\n\r\n0\r\n\r\n${hidden}`, 'latin1'),
      ),
      lines,
    );
    expect(statusesOf(heard)).toEqual([400]);
    expect(heard).toMatch(/connection: close/i);
    figures.add('answered 400');
  });

  it('that are more requests than anybody reads answers to wait, and take no memory', async () => {
    const line = await openLine(port);
    line.socket.pause();
    const requests = Buffer.from('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2_000));
    line.socket.write(requests);
    await expect.poll(() => line.socket.writableLength, { timeout: 5_000 }).toBeLessThan(requests.length + 1);
    expect((await inTime(call('auth.me'), 'somebody else')).status).toBe(200);
    expect((await memoryOf(server)) - memoryBefore).toBeLessThan(flatBytes);
    line.socket.destroy();
    figures.add('pipelined and not read', 2_000);
  }, 30_000);

  it('JSON that is no call of tRPC is refused as such', async () => {
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

describe('slow clients', () => {
  it('of headers and handshakes, and silent ones, are ended in seconds, and meanwhile the others are served', async () => {
    const startedAt = performance.now();
    const beginnings = [
      'GET /trpc/auth.me HTTP/1.1\r\nHost: localhost\r\nX-Slow: ',
      `${handshake().slice(0, -2)}X-Slow: `,
      '', // says nothing at all
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
      expect((await inTime(call('auth.me'), 'somebody quick')).status).toBe(200);
      longestMs = Math.max(longestMs, performance.now() - askedAt);
      await delay(100); // people ask now and then
    }
    expect(open.size).toBe(0);
    expect(longestMs).toBeLessThan(hangMs);
    for (const line of lines) judge(line.heard(), 'a slow line');
    expect(figures.count('answered 408')).toBeGreaterThan(100);
  }, 40_000);
});

describe('slow bodies', () => {
  it('are answered in words, and their lines end with the answer', async () => {
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
        const heardAt = line.hears(/^HTTP\/1\.1 /).then(() => performance.now());
        const endedAt = line.ended.then(() => performance.now());
        void line.ended.then(() => clearInterval(dribble));
        return { line, heardAt, endedAt };
      }),
    );
    for (const { line, heardAt, endedAt } of lines) {
      expect((await endedAt) - (await heardAt)).toBeLessThan(1_000);
      expect([408, 503]).toContain(statusesOf(line.heard())[0]);
      expect(line.heard()).toMatch(/connection: close[^]*"message":"[^"]+[.]"/i);
      figures.add('a slow body answered');
    }
  }, 40_000);
});

describe('bytes on a WebSocket', () => {
  it.each(Object.entries(wrongFrames))('end it with its code for %s', async (_what, { frames, code }) => {
    await withSocket(async (line) => {
      line.socket.write(Buffer.concat(frames.map(frameBytes)));
      await inTime(line.ended, 'a wrong frame');
      expect(closeCodeOf(line.heard())).toBe(code);
      figures.add(`closed with ${code}`);
    });
  });

  it('however they are made up are answered or end it, and the server goes on', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(hostileFrame, { minLength: 1, maxLength: 4 }), { minLength: 10, maxLength: 10 }),
        async (conversations) => {
          await Promise.all(
            conversations.map(async (frames) => {
              const line = await openSocketLine();
              line.socket.end(Buffer.concat(frames.map(frameBytes))); // and says no more: half of it is closed
              await inTime(line.ended, Buffer.concat(frames.map(frameBytes)).toString('hex').slice(0, 600));
              expect(line.heard()).not.toMatch(/INTERNAL|node_modules/);
              figures.add(`closed with ${closeCodeOf(line.heard()) ?? 'no code'}`, frames.length);
            }),
          );
        },
      ),
      { numRuns: 60, interruptAfterTimeLimit: 30_000 },
    );
    expect((await call('auth.me')).status).toBe(200);
  }, 60_000);

  it('that are 20,000 calls in one frame end it with 1008, and none of them is carried out', async () => {
    for (const one of ['0', '{}', '[]']) {
      await withSocket(async (line) => {
        line.socket.write(text(`[${Array(20_000).fill(one).join(',')}]`));
        await inTime(line.ended, '20,000 calls');
        expect(closeCodeOf(line.heard())).toBe(1008);
        expect(line.heard()).not.toMatch(/"error"/);
        figures.add('closed with 1008', 20_000);
      });
    }
  });

  it('are never compressed, however much a client asks for it: no bomb unfolds', async () => {
    const line = await openSocketLine('Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n');
    expect(line.heard()).not.toMatch(/sec-websocket-extensions/i);
    line.socket.write(frameBytes({ fin: true, reserved: 4, opcode: 1, masked: true, payload: Buffer.alloc(1_000) }));
    await inTime(line.ended, 'a compressed frame');
    expect(closeCodeOf(line.heard())).toBe(1002);
    figures.add('closed with 1002');
  });
});

describe('after all that', () => {
  it('no socket is left, memory is flat, and nothing was made', async () => {
    await expect.poll(() => server.metric('opencode_sockets'), { timeout: 15_000 }).toBe(0);
    expect(await server.metric('opencode_subscriptions')).toBe(0);
    // Thousands were opened; the pool of the database and this file's own fetch may have grown by a few.
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

  it('has been more than 2,500 requests and frames, besides the floods', () => {
    process.stdout.write(`fuzz of the edges: ${figures.line()}\n`);
    const floods = figures.count('pipelined and not read') + figures.count('closed with 1008');
    expect(figures.total() - floods).toBeGreaterThan(2_500);
    expect(figures.count('answered 400')).toBeGreaterThan(300);
  });
});
