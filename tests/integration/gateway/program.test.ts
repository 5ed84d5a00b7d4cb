/** `npm run gateway` as a process. */

import { once } from 'node:events';
import { request as send, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';

import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { systemClock } from '../../../src/shared/clock.ts';
import { createEntryTokens, entryKey } from '../../../src/shared/node/access/tickets.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { readAllRows } from '../../support/all-rows.ts';
import { bearer } from '../../support/api-call.ts';
import { startFakePod, type FakePod } from '../../support/fake-pod.ts';
import { createProjects, testAccessKeys } from '../../support/gateway-system.ts';
import { mintSession } from '../../support/mint-session.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { startGatewayProcess, type ServiceProcess } from '../../support/processes.ts';
import { createTestDatabase, createTestRedis, type TestDatabase, type TestRedis } from '../../support/services.ts';
import { mintToken, testSessionSecret } from '../../support/test-server.ts';

/** The person in these tests has a stream of events and a WebSocket open, and no more. */
const maxConnections = 2;

let database: TestDatabase;
let redis: TestRedis;
let db: Database;
let gateway: ServiceProcess;
let pod: FakePod;
let projectId: string;
let host: string;
/** The pod's sides of the streams that were opened last. */
let podSide: { events: ServerResponse; socket: WebSocket };
const terminals = new WebSocketServer({ noServer: true });

const startGateway = (port?: number) =>
  startGatewayProcess({
    databaseUrl: database.url,
    redisUrl: redis.url,
    env: { GATEWAY_MAX_CONNECTIONS: String(maxConnections) },
    ...(port === undefined ? {} : { port }),
  });

beforeAll(async () => {
  [redis, database] = await Promise.all([createTestRedis(), createTestDatabase()]);
  db = openTestDatabase(database.url, { poolSize: 1 });
  [pod, gateway] = await Promise.all([
    startFakePod((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n');
      podSide = { ...podSide, events: response };
    }),
    startGateway(),
  ]);
  pod.upgrade((socket, request) => {
    terminals.handleUpgrade(request, socket, Buffer.alloc(0), (opened) => (podSide = { ...podSide, socket: opened }));
  });
  projectId = await createProjects(db, testAccessKeys).createProject('owner', pod.address);
  host = `p-${projectId}.projects.test`;
});
afterAll(async () => {
  await gateway?.kill();
  await pod?.stop();
  await db?.destroy();
  await database?.drop();
});

async function ask(path: string, headers: OutgoingHttpHeaders): Promise<IncomingMessage> {
  const [answer] = (await once(send(`${gateway.url}${path}`, { headers: { host, ...headers } }).end(), 'response')) as [
    IncomingMessage,
  ];
  return answer;
}

/** The cookie of a browser that has entered the project with a ticket. */
async function enter(): Promise<string> {
  const { id } = await mintSession(database.url, { name: 'owner' });
  const { userId } = (await db('sessions').where({ id }).first<{ userId: string }>('userId')) ?? { userId: '' };
  const tokens = createEntryTokens({ key: entryKey(testSessionSecret), clock: systemClock });
  const ticket = await tokens.sign('ticket', { credential: { kind: 'session', id }, userId, projectId }, 30);
  const { headers } = await ask(`/.opencode-gateway/enter?ticket=${ticket}`, {});
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

/** Opens both streams, and reads the first event. */
async function openStreams(cookie: string) {
  const events = await ask('/event', { cookie });
  expect(String((await once(events, 'data'))[0])).toBe('data: hello\n\n');
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/pty`, {
    headers: { host, cookie, origin: `http://${host}` },
  });
  await once(socket, 'open');
  return { events, socket };
}

/** Resolves when it has ended. A stream that breaks off fails before. */
const closed = (stream: IncomingMessage | ServerResponse | WebSocket) =>
  new Promise((resolve) => stream.on('error', () => undefined).once('close', resolve));

describe('npm run gateway', { timeout: 60_000 }, () => {
  it('reports that it is ready, and has nothing else at a host that is no project', async () => {
    expect((await fetch(`${gateway.url}/livez`)).status).toBe(200);
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
    expect((await fetch(`${gateway.url}/`)).status).toBe(404);
    expect((await fetch(`${gateway.url}/metrics`, { headers: { 'x-forwarded-for': '1.2.3.4' } })).status).toBe(404);
  });

  it('killed under open streams (fault 47) ends both sides, leaves nothing in the stores, and the next one takes the same cookie at once', async () => {
    const keys = () => onRedis((client) => client.keys('*'));
    const cookie = await enter();
    const before = { rows: await readAllRows(db), keys: await keys() };
    const { events, socket } = await openStreams(cookie);
    expect((await ask('/', { cookie })).statusCode).toBe(429); // the person has reached the limit
    const ends = [events, socket, podSide.events, podSide.socket].map(closed);
    await gateway.kill('SIGKILL');
    await Promise.all(ends);
    expect({ rows: await readAllRows(db), keys: await keys() }).toEqual(before);
    await expect.poll(() => connectionsOfGateways(db)).toBe(0);

    gateway = await startGateway(Number(new URL(gateway.url).port));
    const again = await openStreams(cookie);
    podSide.socket.send('still yours');
    expect(String((await once(again.socket, 'message'))[0])).toBe('still yours');
    const podEnds = [podSide.events, podSide.socket].map(closed);
    again.events.destroy();
    again.socket.terminate();
    await Promise.all(podEnds);
  });

  it('counts what passes, and ends open streams and itself after SIGTERM', async () => {
    const passed = () => gateway.metric('opencode_gateway_requests_total', { outcome: 'passed' });
    const before = await passed();
    const answer = await ask('/event', bearer(await mintToken(database.url, 'owner')));
    expect(String((await once(answer, 'data'))[0])).toBe('data: hello\n\n');
    expect(await passed()).toBe(before + 1);
    await expect.poll(() => gateway.metric('opencode_gateway_open_connections')).toBe(1);
    const ended = closed(answer);
    expect(await gateway.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    await ended;
  });
});

async function onRedis<T>(use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(redis.url);
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

async function connectionsOfGateways(of: Database): Promise<number> {
  const { rows } = await of.raw<{ rows: unknown[] }>(
    "select pid from pg_stat_activity where datname = current_database() and application_name = 'opencode-gateway'",
  );
  return rows.length;
}
