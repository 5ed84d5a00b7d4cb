/** `npm run gateway` as a process. */

import { once } from 'node:events';
import { request as send, type IncomingMessage } from 'node:http';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bearer } from '../../support/api-call.ts';
import { startFakePod, type FakePod } from '../../support/fake-pod.ts';
import { createProjects, testAccessKeys } from '../../support/gateway-system.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { startGatewayProcess, type ServiceProcess } from '../../support/processes.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { mintToken } from '../../support/test-server.ts';

let database: TestDatabase;
let gateway: ServiceProcess;
let pod: FakePod;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  [pod, gateway] = await Promise.all([
    startFakePod((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n');
    }),
    startGatewayProcess({ databaseUrl: database.url, redisUrl: redis.url }),
  ]);
});
afterAll(async () => {
  await gateway?.kill();
  await pod?.stop();
  await database?.drop();
});

describe('npm run gateway', () => {
  it('reports that it is ready, and has nothing else at a host that is no project', async () => {
    expect((await fetch(`${gateway.url}/livez`)).status).toBe(200);
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
    expect((await fetch(`${gateway.url}/`)).status).toBe(404);
    expect((await fetch(`${gateway.url}/metrics`, { headers: { 'x-forwarded-for': '1.2.3.4' } })).status).toBe(404);
  });

  it('counts what passes, and ends open streams and itself after SIGTERM', async () => {
    const db = openTestDatabase(database.url, { poolSize: 1 });
    const projectId = await createProjects(db, testAccessKeys).createProject('owner', pod.address);
    await db.destroy();
    const token = await mintToken(database.url, 'owner');
    const headers = { host: `p-${projectId}.projects.test`, ...bearer(token) };
    const [answer] = (await once(send(`${gateway.url}/event`, { headers }).end(), 'response')) as [IncomingMessage];
    expect(String((await once(answer, 'data'))[0])).toBe('data: hello\n\n');
    expect(await gateway.metric('opencode_gateway_requests_total', { outcome: 'passed' })).toBe(1);
    expect(await gateway.metric('opencode_gateway_open_connections')).toBe(1);
    const ended = new Promise((resolve) => answer.on('error', () => undefined).once('close', resolve));
    expect(await gateway.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    await ended;
  });
});
