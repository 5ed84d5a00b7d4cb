/**
 * Agent runs from the API to the real OpenCode: a server, the runner of a worker, the session proxy, OpenCode and the fake model.
 * The rows of projects are as the watch would write them, so no cluster is needed.
 */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';

import { vi } from 'vitest';

import type { Run, Task } from '../../src/shared/contract/tasks.ts';
import type { Database } from '../../src/shared/node/db/database.ts';
import type { ProjectPatch } from '../../src/shared/node/db/projects-repository.ts';
import { createClient, type Client } from '../../src/shared/sdk/client.ts';
import { createGate } from '../../src/sidecars/access.ts';
import { createSessionProxy } from '../../src/sidecars/session-proxy/server.ts';
import { startFakeModel, type FakeModel } from './fake-model.ts';
import { createProjects, testAccessKeys, testAccessSecret } from './gateway-system.ts';
import { openTestDatabase } from './open-test-database.ts';
import { startOpenCode } from './opencode.ts';
import { startRunWorker, type RunWorker } from './run-worker.ts';
import { createTestDatabase, createTestRedis } from './services.ts';
import { startTestServer, type TestServer } from './test-server.ts';

/** A real program answers, on a machine that runs other tests too. */
const answerMs = 90_000;
export const startTimeoutMs = 120_000;
/** Saves three quarters of the processor time of a run whose changes nobody asks OpenCode for. */
export const withoutSnapshots = { snapshot: false };

export interface RunsSystem {
  db: Database;
  places: { databaseUrl: string; redisUrl: string };
  server: TestServer;
  model: FakeModel;
  openCode: Awaited<ReturnType<typeof startOpenCode>>;
  projectId: string;
  /** The client of the owner of the project. */
  client: Client;
  signIn(name: string): Promise<Client>;
  patchProject(patch: ProjectPatch): Promise<void>;
  flushRedis(): Promise<void>;
  /** Starts a worker in this process. */
  startWorker(): RunWorker;
  /**
   * Starts a run whose prompt plays this scenario of the model. The runs share one task, because OpenCode needs seconds for each new
   * worktree. A run with a `title` gets a task of its own.
   */
  start(scenario: string, options?: { title: string }): Promise<Run>;
  /** Waits until the run is in one of these states. */
  until(runId: string, ...states: Run['state'][]): Promise<Run>;
  stop(): Promise<void>;
}

/**
 * @param address of 127.0.0.0/8, another one for each file
 * @param config fields of OpenCode's configuration
 */
export async function startRunsSystem(address: string, { config }: { config?: object } = {}): Promise<RunsSystem> {
  const [database, redis, model] = await Promise.all([createTestDatabase(), createTestRedis(), startFakeModel()]);
  const places = { databaseUrl: database.url, redisUrl: redis.url };
  const db = openTestDatabase(database.url, { poolSize: 2 });
  // Servers ask OpenCode for what they do on a branch.
  const server = await startTestServer({ ...places, env: { ACCESS_SECRET: testAccessSecret } });
  const { createProject, patchProject } = createProjects(db, testAccessKeys);
  const projectId = await createProject('owner', address);
  const { opencode, sidecar } = testAccessKeys.currentCredentials(projectId);
  const openCode = await startOpenCode(opencode, { config: { ...model.config, ...config } });
  const upstream = { host: '127.0.0.1', port: openCode.port };
  const { configFolder } = openCode;
  const proxy = createSessionProxy({ upstream, password: opencode, isAllowed: createGate(sidecar), configFolder });
  await once(proxy.listen(3002, address), 'listening');

  let shared: Promise<Task> | null = null;
  const clients: Client[] = [];
  const workers: RunWorker[] = [];
  async function signIn(name: string): Promise<Client> {
    const client = createClient({ url: `http://127.0.0.1:${server.port}`, token: await server.mintToken(name) });
    clients.push(client);
    return client;
  }
  const client = await signIn('owner');
  return {
    db,
    places,
    server,
    model,
    openCode,
    projectId,
    client,
    signIn,
    patchProject: (patch) => patchProject(projectId, patch),
    flushRedis: redis.flush,
    startWorker() {
      const worker = startRunWorker(places);
      workers.push(worker);
      return worker;
    },
    async start(scenario, options) {
      const prompt = `Please play:${scenario}`;
      const task = options
        ? await client.tasks.create({ projectId, title: options.title })
        : await (shared ??= client.tasks.create({ projectId, title: 'Play' }));
      return await client.runs.start({ taskId: task.id, prompt, idempotencyKey: randomUUID() });
    },
    until: (runId, ...states) =>
      vi.waitFor(
        async () => {
          const run = await client.runs.get(runId);
          if (!states.includes(run.state)) throw new Error(`The run is ${run.state}: ${run.message}`);
          return run;
        },
        { timeout: answerMs, interval: 50 },
      ),
    async stop() {
      await Promise.all(clients.map((each) => each.close()));
      await Promise.all(workers.map((worker) => worker.stop()));
      await server.stop();
      closeNow(proxy);
      await openCode.stop();
      await model.close();
      await db.destroy();
      await database.drop();
    },
  };
}

function closeNow(server: Server): void {
  server.closeAllConnections();
  server.close();
}
