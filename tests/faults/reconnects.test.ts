import { createServer, type IncomingMessage } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';

import { createApp } from '../../src/client/app.ts';
import { createClient } from '../../src/shared/sdk/client.ts';
import { bearer, createApiCall } from '../support/api-call.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../support/services.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let database: TestDatabase;
let server: TestServer;
const undo: (() => Promise<unknown> | void)[] = [];

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  server = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url });
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});
afterEach(async () => {
  for (const step of undo.splice(0)) await step();
});

/** How long the clients below are watched. */
const watchedMs = 4_000;
/** Timers may be a little early. */
const toleranceMs = 20;

/** A server that answers each handshake, or each socket, as it is told; resolves to its URL and when it was knocked at. */
async function startDoor(answer: {
  refuse?: number;
  onSocket?: (socket: WebSocket) => void;
}): Promise<{ url: string; knockedAtMs: number[] }> {
  const knockedAtMs: number[] = [];
  const http = createServer((_request, response) => response.writeHead(503).end());
  const sockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request: IncomingMessage, stream: Socket, head) => {
    knockedAtMs.push(performance.now());
    if (answer.refuse !== undefined) {
      stream.end(`HTTP/1.1 ${answer.refuse} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) => answer.onSocket?.(socket));
  });
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve);
  });
  undo.push(() => {
    for (const socket of sockets.clients) socket.terminate();
    http.closeAllConnections();
    http.close();
  });
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, knockedAtMs };
}

/** The real server behind a line that counts the connections to it. */
async function startCountedLine(): Promise<{ url: string; knockedAtMs: number[] }> {
  const knockedAtMs: number[] = [];
  const ends = new Set<Socket>();
  const line = createTcpServer((inner) => {
    knockedAtMs.push(performance.now());
    const outer = connect({ host: '127.0.0.1', port: server.port });
    for (const end of [inner, outer]) ends.add(end.on('error', () => undefined)); // its other end closes too
    inner.pipe(outer).pipe(inner);
  });
  await new Promise<void>((resolve) => {
    line.listen(0, '127.0.0.1', resolve);
  });
  undo.push(() => {
    for (const end of ends) end.destroy();
    line.close();
  });
  return { url: `http://127.0.0.1:${(line.address() as AddressInfo).port}`, knockedAtMs };
}

interface Visitor {
  name: string;
  /** The shortest wait of its first step; each step is twice the one before. */
  firstStepMs: number;
  longestStepMs: number;
  /** Begins to watch; resolves when it has given up, to why. */
  visit(url: string, token: string): Promise<string>;
}

const visitors: Visitor[] = [
  {
    name: 'the SDK',
    firstStepMs: 125,
    longestStepMs: 2_500,
    async visit(url, token) {
      const client = createClient({ url, token, random: () => 0 }); // the shortest wait of each step
      undo.push(() => client.close());
      try {
        for await (const project of client.watch()) void project;
        return 'it was closed';
      } catch (error) {
        return String(error);
      }
    },
  },
  {
    name: 'the page',
    firstStepMs: 200,
    longestStepMs: 7_500,
    visit(url) {
      return new Promise((resolve) => {
        const location = { origin: url, pathname: '/projects/7', search: '?tab=files', assign: resolve };
        const parts = { location, setTimeout, clearTimeout, fetch, addEventListener: () => undefined };
        const app = createApp({ window: parts as unknown as Window & typeof globalThis }); // all that it uses
        undo.push(() => app.services.liveFeed.stop());
        app.services.liveFeed.start();
      });
    },
  },
];

/** What a server, or what stands before it, may do to somebody whose token it does not like. */
const doors: { what: string; answer: Parameters<typeof startDoor>[0] }[] = [
  { what: 'refuses the handshake with 403', answer: { refuse: 403 } },
  { what: 'refuses the handshake with 503', answer: { refuse: 503 } },
  { what: 'opens and closes at once with 1013', answer: { onSocket: (socket) => socket.close(1013) } },
  { what: 'opens and breaks off', answer: { onSocket: (socket) => socket.terminate() } },
  {
    what: 'closes when it hears the first word',
    answer: { onSocket: (socket) => void socket.once('message', () => socket.close(1011)) },
  },
  {
    what: 'asks for a new connection at once',
    answer: { onSocket: (socket) => socket.send('{"id":null,"method":"reconnect"}') },
  },
];

describe('fault 21: a client with a bad token', () => {
  it.each(visitors)('$name reconnects at most once per back-off step, whatever the server does', async (visitor) => {
    const opened = await Promise.all(doors.map(({ answer }) => startDoor(answer)));
    const beganAtMs = performance.now();
    for (const { url } of opened) void visitor.visit(url, 'ocpm_wrong');
    await delay(watchedMs); // as many as come in this time are counted: there is no event to wait for
    for (const [index, { knockedAtMs }] of opened.entries()) {
      expect(knockedAtMs.length, doors[index]?.what).toBeGreaterThan(2); // it goes on trying
      // From the beginning, for a knock that was noted late makes the wait after it look short.
      let waitedMs = 0;
      for (const [step, atMs] of knockedAtMs.slice(1).entries()) {
        waitedMs += Math.min(visitor.longestStepMs, visitor.firstStepMs * 2 ** step) - toleranceMs;
        const words = `a server that ${doors[index]?.what}, after step ${step}`;
        expect(atMs - beganAtMs, words).toBeGreaterThanOrEqual(waitedMs);
      }
    }
  });

  it('the SDK tells its caller at once and knocks no second time', async () => {
    const { url, knockedAtMs } = await startCountedLine();
    const [sdk] = visitors;
    expect(await sdk?.visit(url, 'ocpm_wrong')).toContain('The access token is not valid');
    await delay(1_500); // longer than several steps
    expect(knockedAtMs).toHaveLength(1);
  });

  it('the SDK whose token is revoked knocks once more, and tells its caller', async () => {
    const { url, knockedAtMs } = await startCountedLine();
    const call = createApiCall(server.url, bearer(await server.mintToken('anna')));
    const made = (await call('tokens.create', { body: { name: 'brief' } })).data as { id: string; token: string };
    const [sdk] = visitors;
    const ended = sdk?.visit(url, made.token);
    await expect.poll(async () => (await fetch(`${server.url}/metrics`)).text()).toMatch(/^opencode_subscriptions 1$/m);
    await call('tokens.revoke', { body: { id: made.id } });
    expect(await ended).toContain('The access token is not valid');
    await delay(1_500); // longer than several steps
    expect(knockedAtMs).toHaveLength(2);
  });

  it('the page whose session has ended goes to the sign-in page and knocks no second time', async () => {
    const { url, knockedAtMs } = await startCountedLine();
    const [, page] = visitors;
    expect(await page?.visit(url, '')).toBe('/sign-in?returnTo=%2Fprojects%2F7%3Ftab%3Dfiles&reason=ended');
    await delay(1_500); // longer than several steps
    expect(knockedAtMs).toHaveLength(1);
  });
});
