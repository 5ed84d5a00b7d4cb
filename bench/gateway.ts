/**
 * P9: what the gateway costs, beside a direct connection to the same pod. The pod is a small HTTP server on loopback that answers
 * at once. The gateway is a process of its own, with its own PostgreSQL.
 */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, createServer, request, type IncomingMessage } from 'node:http';

import { kubernetesNames } from '../src/server/projects/names.ts';
import { createAccessKeys } from '../src/shared/node/access/credentials.ts';
import { projectOrigin } from '../src/shared/node/access/project-hosts.ts';
import { insertAccessToken } from '../src/shared/node/db/access-tokens-repository.ts';
import { createDatabase, type Database } from '../src/shared/node/db/database.ts';
import { changeProject, insertProject } from '../src/shared/node/db/projects-repository.ts';
import { upsertUser } from '../src/shared/node/db/users-repository.ts';
import { createOwnPostgres, createOwnRedis } from '../tests/support/own-services.ts';
import { startGatewayProcess } from '../tests/support/processes.ts';
import { testIssuer } from '../tests/support/test-issuer.ts';
import { downloadMegabytes, keepAliveTimeoutMs, measureDownload, type Target } from './downloads.ts';
import { spread, timesOf, type Result, type Scale } from './measure.ts';

const podAddress = '127.64.0.9';
const megabyte = Buffer.alloc(1_000_000, 'x');
const accessSecret = 'an access secret of the benchmark, which is public';

export async function measureGateway({ quick }: Scale): Promise<Result[]> {
  const [postgres, redis, pod] = [await createOwnPostgres(), await createOwnRedis(), await startPod()];
  const gateway = await startGatewayProcess({
    databaseUrl: postgres.url,
    redisUrl: redis.url,
    env: {
      SESSION_SECRET: 'a session secret of the benchmark, which is public',
      ACCESS_SECRET: accessSecret,
      PUBLIC_URL: 'http://product.test',
      WORKSPACE_DOMAIN: 'projects.test',
      GATEWAY_MAX_CONNECTIONS: '10000',
      GATEWAY_RATE_LIMIT_PER_MINUTE: '10000000',
      LOG_LEVEL: 'warn',
    },
  });
  const db = createDatabase(postgres.url, { poolSize: 1 });
  try {
    const headers = await createProject(db);
    const direct: Target = { host: podAddress, port: 3002, agent: new Agent({ keepAlive: true }) };
    const ours: Target = {
      host: '127.0.0.1',
      port: Number(new URL(gateway.url).port),
      headers,
      agent: new Agent({ keepAlive: true }),
    };
    return [
      await measureSmallRequests({ direct, ours }, quick ? 500 : 3_000),
      await measureDownload({
        direct,
        ours,
        gatewayPid: gateway.pid,
        rounds: quick ? 5 : 20,
        read: (target) => readAll(target, '/large'),
      }),
      await measureStreams(ours, gateway.pid, quick ? 200 : 1_000),
    ];
  } finally {
    await db.destroy();
    await gateway.kill('SIGTERM');
    pod.closeAllConnections();
    pod.close();
    await Promise.all([postgres.stop(), redis.stop()]);
  }
}

/** `/small` answers a few bytes, `/large` 100 MB, and every other path a stream that stays open. */
async function startPod() {
  const server = createServer((incoming, response) => {
    if (incoming.url === '/small') return void response.end('{"ok":true}');
    if (incoming.url !== '/large') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: first\n\n');
      return;
    }
    let left = downloadMegabytes;
    const send = () => {
      while (left-- > 0) if (!response.write(megabyte)) return void response.once('drain', send);
      response.end();
    };
    send();
  });
  server.keepAliveTimeout = keepAliveTimeoutMs;
  await once(server.listen(3002, podAddress), 'listening');
  return server;
}

/** @returns the headers with which the owner of the project passes */
async function createProject(db: Database): Promise<Record<string, string>> {
  const user = await upsertUser(db, {
    issuer: testIssuer,
    subject: 'owner',
    email: null,
    name: 'Owner',
    picture: null,
  });
  const { token } = await insertAccessToken(db, { userId: user.id, name: 'bench', expiresAt: null });
  const id = randomUUID();
  const names = { name: 'Bench', description: '', repoUrl: null, namespace: 'opencode', ...kubernetesNames(id) };
  const project = { id, ownerId: user.id, idempotencyKey: null, ...names };
  await db.transaction((trx) => insertProject(trx, project, { maxProjects: 10 }));
  const { currentKeyId: accessKeyId } = createAccessKeys({ secret: accessSecret, previousSecret: null });
  const patch = { status: 'ready', reason: 'ready', podIp: podAddress, podUid: randomUUID(), accessKeyId } as const;
  await changeProject(db, { id }, () => ({ patch: { ...patch, observedGeneration: 1 } }));
  return { host: new URL(projectOrigin(id, 'http://projects.test')).host, authorization: `Bearer ${token}` };
}

async function get(target: Target, path: string): Promise<IncomingMessage> {
  const sent = request({ ...target, path }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`${path} was answered with ${response.statusCode}.`);
  return response;
}

async function readAll(target: Target, path: string): Promise<void> {
  const response = await get(target, path);
  response.resume();
  await once(response, 'end');
}

async function measureSmallRequests({ direct, ours }: Record<'direct' | 'ours', Target>, count: number) {
  const measure = async (target: Target) => {
    await timesOf(200, 1, () => readAll(target, '/small')); // until the compiler has optimised the code
    return spread(await timesOf(count, 1, () => readAll(target, '/small')));
  };
  const [baseline, gateway] = [await measure(direct), await measure(ours)];
  return {
    id: 'P9a',
    what: 'what the gateway adds to a small request, p99',
    unit: 'ms',
    ours: gateway.p99 - baseline.p99,
    baseline: null,
    budget: { atMost: 2 },
    details: { 'p50 ours': gateway.p50, 'p50 direct': baseline.p50, 'p99 direct': baseline.p99, samples: count },
  } satisfies Result;
}

async function measureStreams(ours: Target, pid: number, count: number) {
  const before = residentBytes(pid);
  const open = await Promise.all(Array.from({ length: count }, () => get({ ...ours, agent: new Agent() }, '/stream')));
  const bytes = (residentBytes(pid) - before) / count;
  for (const response of open) response.destroy();
  return {
    id: 'P9c',
    what: 'memory of the gateway for an open stream',
    unit: 'kB',
    ours: bytes / 1_000,
    baseline: null,
    budget: { atMost: 100 },
    details: { streams: count },
  } satisfies Result;
}

function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1]) * 1_024;
}
