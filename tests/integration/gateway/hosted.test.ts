/** The gateway in the listener of the server, as `npm start` runs it. */

import { once } from 'node:events';
import { request as send, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { readGatewayConfig } from '../../../src/gateway/config.ts';
import { createGatewayContext, type GatewayContext } from '../../../src/gateway/context.ts';
import { createLog } from '../../../src/shared/node/log.ts';
import { bearer, createApiCall } from '../../support/api-call.ts';
import { startFakePod, type FakePod } from '../../support/fake-pod.ts';
import { createProjects, testAccessKeys, testAccessSecret } from '../../support/gateway-system.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { openSocket } from '../../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, testSessionSecret, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let context: GatewayContext;
let server: TestServer;
let pod: FakePod;
let host: string;
let token: string;

beforeAll(async () => {
  const redis = await createTestRedis();
  [database, pod] = await Promise.all([createTestDatabase(), startFakePod()]);
  const access = { ACCESS_SECRET: testAccessSecret, WORKSPACE_DOMAIN: 'projects.test' };
  const env = {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    SESSION_SECRET: testSessionSecret,
    PUBLIC_URL: 'http://localhost:1',
    ...access,
  };
  const log = createLog({ name: 'test', level: 'silent' });
  context = createGatewayContext(readGatewayConfig(env), { log });
  server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: redis.url,
    env: access,
    hosted: context.gateway,
  });
  token = await server.mintToken('owner');
  const db = openTestDatabase(database.url, { poolSize: 1 });
  const { createProject } = createProjects(db, testAccessKeys);
  host = `p-${await createProject('owner', pod.address)}.projects.test`;
  await db.destroy();
});
afterAll(async () => {
  await context?.stop(0);
  await server?.stop();
  await pod?.stop();
  await database?.drop();
});

async function ask(headers: Record<string, string>, options: { method?: string; path?: string; body?: Buffer } = {}) {
  const { method = 'GET', path = '/', body } = options;
  const request = send({ host: '127.0.0.1', port: server.port, method, path, headers, agent: false });
  request.end(body);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, text: await text(answer) };
}

describe('one listener', () => {
  it('serves the product and the projects by host name', async () => {
    const call = createApiCall(server.url, bearer(token));
    expect((await call('auth.me')).status).toBe(200);
    expect(await ask({ host, ...bearer(token) })).toEqual({ status: 200, text: 'hello' });
    expect((await ask({ host })).status).toBe(401);
    expect(JSON.parse((await ask({ host: 'localhost' }, { path: '/livez' })).text)).toEqual({ status: 'ok' });
    expect((await ask({ host, ...bearer(token) }, { path: '/livez' })).text).toBe('hello');
  });

  it('has the limits of the product for the product only', async () => {
    const body = Buffer.alloc(1024 * 1024);
    const json = { 'content-type': 'application/json', 'content-length': String(body.length) };
    const toProduct = await ask(
      { host: 'localhost', ...json, ...bearer(token) },
      { method: 'POST', path: '/trpc/projects.create', body },
    );
    expect(toProduct.status).toBe(413);
    pod.answer((request, response) => {
      let length = 0;
      request.on('data', (chunk: Buffer) => (length += chunk.length)).on('end', () => response.end(String(length)));
    });
    const toProject = await ask({ host, ...json, ...bearer(token) }, { method: 'POST', body });
    expect(toProject).toEqual({ status: 200, text: String(body.length) });
  });

  it('opens WebSockets of both', async () => {
    const echo = new WebSocketServer({ noServer: true });
    pod.upgrade((socket, request) =>
      echo.handleUpgrade(request, socket, Buffer.alloc(0), (opened) => opened.send('from the pod')),
    );
    const terminal = new WebSocket(`ws://127.0.0.1:${server.port}/pty/1/connect`, {
      headers: { host, ...bearer(token) },
    });
    expect(String((await once(terminal, 'message'))[0])).toBe('from the pod');
    terminal.terminate();
    const live = await openSocket(server.url, { token });
    expect(await live.subscribe(1)).toMatchObject({ type: 'snapshot' });
    live.close();
  });
});
