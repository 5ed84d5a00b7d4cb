import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { silentLog } from '../../src/embedded/embedded-log.ts';
import { createEmbeddedIssuer } from '../../src/embedded/issuer/issuer.ts';
import { findFreePort } from '../../src/embedded/process/free-port.ts';
import { createClient } from '../../src/shared/sdk/client.ts';
import { clusterKinds } from '../support/clusters.ts';
import { createTestDatabase, createTestRedis } from '../support/services.ts';
import { createDataDir, runProgram, startSystem, type StartedSystem } from '../support/started-system.ts';
import { mintToken } from '../support/test-server.ts';

const cleanUps: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp();
});

function makeDataDir(): string {
  const { dataDir, remove } = createDataDir();
  cleanUps.push(remove);
  return dataDir;
}

async function start(options: Parameters<typeof startSystem>[0]): Promise<StartedSystem> {
  const system = await startSystem(options);
  cleanUps.push(() => system.end('SIGKILL'));
  return system;
}

async function tokenFor(system: StartedSystem, subject: string): Promise<string> {
  const run = runProgram('src/embedded/token-cli.ts', { DATA_DIR: system.dataDir }, [subject]);
  expect(await run.exited).toBe(0);
  expect(run.output()).toMatch(/^ocpm_\S+\n$/);
  return run.output().trim();
}

function connect(system: { url: string }, token: string) {
  const client = createClient({ url: system.url, token });
  cleanUps.push(() => client.close());
  return client;
}

const isReady = ({ status }: { status: string }) => status === 'ready';
const waitMs = { timeoutMs: 20_000 };

// The tests share two systems, because a start takes seconds. They run in this order.
describe('npm start', { timeout: 60_000 }, () => {
  let systems: { interrupted: StartedSystem; killed: StartedSystem };
  let tokens: { interrupted: string; killed: string };

  beforeAll(async () => {
    const [interrupted, killed] = await Promise.all([
      start({ dataDir: makeDataDir() }),
      start({ dataDir: makeDataDir() }),
    ]);
    systems = { interrupted, killed };
    const [first, second] = await Promise.all([tokenFor(interrupted, 'user-a'), tokenFor(killed, 'user-a')]);
    tokens = { interrupted: first, killed: second };
  }, 120_000);

  it('prints its address, its users, and which services are embedded', () => {
    const { interrupted: system } = systems;
    expect(system.output()).toMatch(/PostgreSQL +embedded \(PostgreSQL \d+/);
    expect(system.output()).toMatch(/Redis +embedded \(/);
    expect(system.output()).toMatch(/Kubernetes +embedded/);
    expect(system.output()).toContain(`at ${system.url}\n`);
    expect(system.output()).toMatch(/Sign in as user-a, user-b, user-c\. The password is the user name\./);
  });

  it('runs twice side by side with its own port, folder and projects', async () => {
    const lists = await Promise.all(
      (['interrupted', 'killed'] as const).map(async (name) => {
        const client = connect(systems[name], tokens[name]);
        await client.projects.create({ name });
        return (await client.projects.list()).items.map((project) => project.name);
      }),
    );
    expect(lists).toEqual([['interrupted'], ['killed']]);
  });

  it('refuses a second start on the same folder with a message', async () => {
    const { url, dataDir } = systems.interrupted;
    await expect(startSystem({ dataDir })).rejects.toThrow(/exit code 1[^]*Could not start: [^]*in use|already/);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  it('keeps its projects and pods across Ctrl-C and across kill -9', async () => {
    const clientOf = (name: 'interrupted' | 'killed') => connect(systems[name], tokens[name]);
    const idIn = async (name: 'interrupted' | 'killed') =>
      (await clientOf(name).projects.list()).items[0]?.id ?? expect.unreachable();
    const ids = { interrupted: await idIn('interrupted'), killed: await idIn('killed') };
    const podTimeIn = async (name: 'interrupted' | 'killed') =>
      (await clientOf(name).waitFor(ids[name], isReady, waitMs)).podCreatedAt;
    const before = { interrupted: await podTimeIn('interrupted'), killed: await podTimeIn('killed') };

    const printedBefore = systems.interrupted.output().length;
    const ended = await systems.interrupted.end('SIGINT');
    expect(ended.code).toBe(0);
    expect(ended.tookMs).toBeLessThan(5_000);
    expect(systems.interrupted.output().slice(printedBefore)).not.toMatch(/error/i);
    await systems.killed.end('SIGKILL');

    const [interrupted, killed] = await Promise.all([
      start({ dataDir: systems.interrupted.dataDir }),
      start({ dataDir: systems.killed.dataDir }),
    ]);
    systems = { interrupted, killed };
    for (const name of ['interrupted', 'killed'] as const) {
      const kept = await clientOf(name).waitFor(ids[name], isReady, waitMs);
      expect(kept).toMatchObject({ name, podCreatedAt: before[name] });
    }
    const client = clientOf('killed');
    await client.projects.delete(ids.killed);
    await client.waitFor(ids.killed, ({ status }) => status === 'archived', waitMs);
  });

  it('uses the real services that variables name, and embeds none of them', async () => {
    const [database, redis, cluster, port] = await Promise.all([
      createTestDatabase(),
      createTestRedis(),
      clusterKinds.at(-1)?.start(),
      findFreePort(),
    ]);
    if (!cluster) throw new Error('There is no cluster to test on.');
    cleanUps.push(database.drop, () => cluster.stop());
    const issuer = await createEmbeddedIssuer({
      dataDir: makeDataDir(),
      log: silentLog,
      clients: [
        {
          clientId: 'manager',
          clientSecret: 'a-client-secret-of-a-test',
          redirectUris: [`http://localhost:${port}/auth/callback`],
          postLogoutRedirectUris: [`http://localhost:${port}`],
        },
      ],
    });
    cleanUps.push(issuer.stop);
    const system = await start({
      dataDir: makeDataDir(),
      port,
      env: {
        DATABASE_URL: database.url,
        REDIS_URL: redis.url,
        KUBECONFIG: cluster.kubeconfigPath,
        OIDC_ISSUER: issuer.url,
        OIDC_CLIENT_ID: 'manager',
        OIDC_CLIENT_SECRET: 'a-client-secret-of-a-test',
      },
    });
    for (const name of ['DATABASE_URL', 'REDIS_URL', 'KUBECONFIG', 'OIDC_ISSUER']) {
      expect(system.output()).toContain(`from ${name}`);
    }
    const login = await fetch(`${system.url}/auth/login`, { redirect: 'manual' });
    expect(login.headers.get('location')).toMatch(new RegExp(`^${issuer.url}/.*client_id=manager`));

    const client = connect(system, await mintToken(database.url, 'somebody'));
    const project = await client.projects.create({ name: 'Real' });
    await client.waitFor(project.id, ({ status }) => status === 'ready', { timeoutMs: 20_000 });
    const pod = await cluster.api.readNamespacedPod({ name: project.podName, namespace: 'opencode' });
    expect(pod.status?.phase).toBe('Running');
  });

  it('lists every wrong variable at once and exits with 1 before anything has started', async () => {
    const run = runProgram('src/embedded/main.ts', {
      DATA_DIR: makeDataDir(),
      PORT: 'many',
      DATABASE_URL: 'mysql://somewhere',
      KUBE_NAMESPACE: 'Not A Namespace',
      WORKSPACE_SIZE: 'lots',
      MAX_PROJECTS_PER_USER: '-1',
      KUBECONFIG: '/there/is/no/such/file',
      LOG_LEVEL: 'loud',
    });
    expect(await run.exited).toBe(1);
    const lines = run.output().trim().split('\n');
    expect(lines[0]).toMatch(/configuration is wrong/);
    const named = lines.slice(1).map((line) => line.trim().split(':')[0] ?? '');
    expect(named.toSorted((a, b) => a.localeCompare(b))).toEqual([
      'DATABASE_URL',
      'KUBE_NAMESPACE',
      'KUBECONFIG',
      'LOG_LEVEL',
      'MAX_PROJECTS_PER_USER',
      'PORT',
      'WORKSPACE_SIZE',
    ]);
  });
});

it('npm run worker lists the missing and wrong variables and exits with 1', async () => {
  const run = runProgram('src/worker/main.ts', { WORKER_METRICS_PORT: 'x' });
  expect(await run.exited).toBe(1);
  expect(run.output()).toMatch(/DATABASE_URL: is not set\./);
  expect(run.output()).toMatch(/REDIS_URL: is not set\./);
  expect(run.output()).toMatch(/WORKER_METRICS_PORT: /);
});

describe.concurrent('npm run token', () => {
  it.each([
    ['nothing runs', ['user-a'], /No instance runs on the data in .* Start one with "npm start"/],
    ['the user is not a development user', ['somebody-else'], /user-a \| user-b \| user-c/],
    ['no user is named', [], /user-a \| user-b \| user-c/],
  ] as const)('prints what to do and exits with 1 when %s', async (_case, args, message) => {
    const run = runProgram('src/embedded/token-cli.ts', { DATA_DIR: makeDataDir() }, [...args]);
    expect(await run.exited).toBe(1);
    expect(run.output()).toMatch(message);
  });
});
