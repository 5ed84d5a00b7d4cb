/** A gateway with a database, people and projects whose pods a test controls. No worker and no cluster are needed. */

import { randomUUID } from 'node:crypto';
import { request as send, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

import { readGatewayConfig } from '../../src/gateway/config.ts';
import { startGateway, type RunningGateway } from '../../src/gateway/start-gateway.ts';
import { kubernetesNames } from '../../src/server/projects/names.ts';
import type { Clock } from '../../src/shared/clock.ts';
import { createAccessKeys, type AccessKeys } from '../../src/shared/node/access/credentials.ts';
import { projectOrigin } from '../../src/shared/node/access/project-hosts.ts';
import type { Database } from '../../src/shared/node/db/database.ts';
import { changeProject, insertProject, type ProjectPatch } from '../../src/shared/node/db/projects-repository.ts';
import { upsertUser } from '../../src/shared/node/db/users-repository.ts';
import { createLog } from '../../src/shared/node/log.ts';
import { createApiCall } from './api-call.ts';
import { mintSession, type MintedSession } from './mint-session.ts';
import { openTestDatabase } from './open-test-database.ts';
import { createTestDatabase, createTestRedis } from './services.ts';
import { testIssuer } from './test-issuer.ts';
import { startTestServer, testSessionSecret, type TestServer } from './test-server.ts';

export const testAccessSecret = 'an access secret of tests, longer than 32 characters';
export const testAccessKeys = createAccessKeys({ secret: testAccessSecret, previousSecret: null });
/** The names below it need not resolve: requests name the host, and go to the port of the gateway. */
const workspaceUrl = 'http://projects.test';

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

export interface GatewayRequest {
  projectId: string;
  path?: string;
  method?: string;
  headers?: OutgoingHttpHeaders;
  body?: string;
}

export interface GatewaySystem {
  db: Database;
  gateway: RunningGateway;
  server: TestServer;
  keys: AccessKeys;
  originOf(projectId: string): string;
  /** Sends a request to the origin of a project, and reads the whole answer. */
  ask(request: GatewayRequest): Promise<Answer>;
  /** As `ask`, but returns the answer before its body has arrived. */
  open(request: GatewayRequest): Promise<IncomingMessage>;
  /** Writes these bytes to the gateway, and resolves to everything that comes back until the connection closes. */
  write(bytes: string): Promise<string>;
  signIn(name: string): Promise<MintedSession>;
  /** A project of this person whose pod is at `address`, and ready. */
  createProject(name: string, address: string | null, patch?: ProjectPatch): Promise<string>;
  patchProject(id: string, patch: ProjectPatch): Promise<void>;
  /** The address that `projects.open` returns to this person. */
  openProject(session: MintedSession, projectId: string): Promise<string>;
  /** The cookie header of a browser of this person that has entered the project. */
  enter(session: MintedSession, projectId: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startGatewaySystem(
  variables: Record<string, string> = {},
  clocks: { server?: Clock; gateway?: Clock } = {},
): Promise<GatewaySystem> {
  const [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
  const db = openTestDatabase(database.url, { poolSize: 2 });
  const access = { ACCESS_SECRET: testAccessSecret, WORKSPACE_DOMAIN: new URL(workspaceUrl).host };
  const publicUrl = 'http://product.test';
  const server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: redis.url,
    env: { ...access, PUBLIC_URL: publicUrl },
    ...(clocks.server ? { clock: clocks.server } : {}),
  });
  const config = readGatewayConfig({
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    SESSION_SECRET: testSessionSecret,
    PUBLIC_URL: publicUrl,
    HOST: '127.0.0.1',
    GATEWAY_PORT: '0',
    GATEWAY_BROKER_PORT: '0',
    ...access,
    ...variables,
  });
  const log = createLog({ name: 'test-gateway', level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });
  const gateway = await startGateway(config, { log, ...(clocks.gateway ? { clock: clocks.gateway } : {}) });
  const keys = testAccessKeys;
  const requests = createRequests(gateway.port);
  const local = `http://127.0.0.1:${server.port}`;

  const openProject: GatewaySystem['openProject'] = async ({ cookie }, id) => {
    const { data, error } = await createApiCall(local, { cookie, origin: publicUrl })('projects.open', {
      body: { id },
    });
    if (error) throw new Error(error.message);
    return (data as { url: string }).url;
  };
  return {
    db,
    gateway,
    server,
    keys,
    ...requests,
    ...createProjects(db, keys),
    originOf: (id) => projectOrigin(id, workspaceUrl),
    signIn: (name) => mintSession(database.url, { name }),
    openProject,
    async enter(session, projectId) {
      const { pathname, search } = new URL(await openProject(session, projectId));
      const { headers } = await requests.ask({ projectId, path: pathname + search });
      return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    },
    async stop() {
      await Promise.all([gateway.stop(), server.stop()]);
      await db.destroy();
      await database.drop();
    },
  };
}

function createRequests(port: number): Pick<GatewaySystem, 'ask' | 'open' | 'write'> {
  const open: GatewaySystem['open'] = ({ projectId, path = '/', method = 'GET', headers = {}, body }) =>
    new Promise((resolve, reject) => {
      const host = new URL(projectOrigin(projectId, workspaceUrl)).host;
      const request = send({ host: '127.0.0.1', port, path, method, agent: false, headers: { host, ...headers } });
      request.once('response', resolve).once('error', reject);
      request.end(body);
    });
  return {
    open,
    async ask(request) {
      const answer = await open(request);
      return { status: answer.statusCode ?? 0, headers: answer.headers, text: await text(answer) };
    },
    write: (bytes) =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1');
        let received = '';
        socket.on('data', (chunk) => (received += chunk.toString('latin1')));
        socket.on('error', () => undefined); // the gateway may close while bytes are on the way
        socket.on('close', () => resolve(received));
        socket.write(bytes, 'latin1');
      }),
  };
}

/** Makes rows as the worker would write them. */
export function createProjects(db: Database, keys: AccessKeys): Pick<GatewaySystem, 'createProject' | 'patchProject'> {
  const patchProject: GatewaySystem['patchProject'] = async (id, patch) => {
    await changeProject(db, { id }, () => ({ patch }));
  };
  let count = 0;
  return {
    patchProject,
    async createProject(name, podIp, patch = {}) {
      const owner = await upsertUser(db, {
        issuer: testIssuer,
        subject: name,
        email: `${name}@example.test`,
        emailVerified: true,
        name,
        picture: null,
      });
      const id = randomUUID();
      const project = {
        id,
        ownerId: owner.id,
        idempotencyKey: null,
        name: `Project ${++count}`,
        description: '',
        repoUrl: null,
        namespace: 'opencode',
        ...kubernetesNames(id),
      };
      await db.transaction((trx) => insertProject(trx, project, { maxProjects: 1_000 }));
      const { currentKeyId: accessKeyId } = keys;
      const observed = { status: 'ready', reason: 'ready', podIp, podUid: randomUUID(), accessKeyId } as const;
      await patchProject(id, { ...observed, observedGeneration: 1, ...patch });
      return id;
    },
  };
}
