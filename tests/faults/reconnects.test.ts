import { createServer, type IncomingMessage } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
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
  for (const step of undo) await step();
  await server.stop();
  await database.drop();
});

/** How long the tests count connections. */
const watchedMs = 4_000;
/** Timers may be a little early. */
const toleranceMs = 20;

/** Starts a server that refuses each handshake or ends each socket. Records when a client tried to connect. */
async function startRefusingServer(answer: {
  refuse?: number;
  onSocket?: (socket: WebSocket) => void;
}): Promise<{ url: string; connectedAtMs: number[] }> {
  const connectedAtMs: number[] = [];
  const http = createServer((_request, response) => response.writeHead(503).end());
  const sockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request: IncomingMessage, stream: Socket, head) => {
    connectedAtMs.push(performance.now());
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
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, connectedAtMs };
}

/** Starts a proxy of the real server that records when a client connected. */
async function startRecordingProxy(): Promise<{ url: string; connectedAtMs: number[] }> {
  const connectedAtMs: number[] = [];
  const ends = new Set<Socket>();
  const line = createTcpServer((inner) => {
    connectedAtMs.push(performance.now());
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
  return { url: `http://127.0.0.1:${(line.address() as AddressInfo).port}`, connectedAtMs };
}

interface TestedClient {
  name: string;
  /** The shortest first back-off. Each further back-off is twice as long. */
  firstStepMs: number;
  longestStepMs: number;
  /** Subscribes. Resolves with the reason when the client gives up. */
  connect(url: string, token: string): Promise<string>;
}

const clients: TestedClient[] = [
  {
    name: 'the SDK',
    firstStepMs: 125,
    longestStepMs: 2_500,
    async connect(url, token) {
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
    connect(url) {
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

/** What a server, or a proxy in front of it, may do with a bad token. */
const answers: { what: string; answer: Parameters<typeof startRefusingServer>[0] }[] = [
  { what: 'refuses the handshake with 403', answer: { refuse: 403 } },
  { what: 'refuses the handshake with 503', answer: { refuse: 503 } },
  { what: 'accepts the socket and closes it at once with 1013', answer: { onSocket: (socket) => socket.close(1013) } },
  { what: 'accepts the socket and resets it', answer: { onSocket: (socket) => socket.terminate() } },
  {
    what: 'closes after the first message',
    answer: { onSocket: (socket) => void socket.once('message', () => socket.close(1011)) },
  },
  {
    what: 'requests a reconnect at once',
    answer: { onSocket: (socket) => socket.send('{"id":null,"method":"reconnect"}') },
  },
];

describe.concurrent('fault 21: a client with a bad token', () => {
  it.each(clients)('$name reconnects at most once per back-off step, whatever the server answers', async (visitor) => {
    const opened = await Promise.all(answers.map(({ answer }) => startRefusingServer(answer)));
    const beganAtMs = performance.now();
    for (const { url } of opened) void visitor.connect(url, 'ocpm_wrong');
    await delay(watchedMs); // counts the connections of this time: there is no event to wait for
    for (const [index, { connectedAtMs }] of opened.entries()) {
      expect(connectedAtMs.length, answers[index]?.what).toBeGreaterThan(2); // it keeps trying
      // Measured from the start: when one connection is recorded late, the wait after it looks too short.
      let waitedMs = 0;
      for (const [step, atMs] of connectedAtMs.slice(1).entries()) {
        waitedMs += Math.min(visitor.longestStepMs, visitor.firstStepMs * 2 ** step) - toleranceMs;
        const what = `a server that ${answers[index]?.what}, after step ${step}`;
        expect(atMs - beganAtMs, what).toBeGreaterThanOrEqual(waitedMs);
      }
    }
  });

  it('the SDK reports a bad token at once and does not connect again', async () => {
    const { url, connectedAtMs } = await startRecordingProxy();
    const [sdk] = clients;
    expect(await sdk?.connect(url, 'ocpm_wrong')).toContain('The access token is not valid');
    await delay(1_500); // longer than several steps
    expect(connectedAtMs).toHaveLength(1);
  });

  it('the SDK connects once more after its token was revoked, and then reports it', async () => {
    const { url, connectedAtMs } = await startRecordingProxy();
    const call = createApiCall(server.url, bearer(await server.mintToken('anna')));
    const made = (await call('tokens.create', { body: { name: 'brief' } })).data as { id: string; token: string };
    const [sdk] = clients;
    const ended = sdk?.connect(url, made.token);
    const metrics = async () => (await fetch(`${server.url}/metrics`)).text();
    await vi.waitFor(async () => expect(await metrics()).toMatch(/^opencode_subscriptions 1$/m), 10_000);
    await call('tokens.revoke', { body: { id: made.id } });
    expect(await ended).toContain('The access token is not valid');
    await delay(1_500); // longer than several steps
    expect(connectedAtMs).toHaveLength(2);
  });

  it('the page goes to the sign-in page when its session has ended, and does not connect again', async () => {
    const { url, connectedAtMs } = await startRecordingProxy();
    const [, page] = clients;
    expect(await page?.connect(url, '')).toBe('/sign-in?returnTo=%2Fprojects%2F7%3Ftab%3Dfiles&reason=ended');
    await delay(1_500); // longer than several steps
    expect(connectedAtMs).toHaveLength(1);
  });
});
