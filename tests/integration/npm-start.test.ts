import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { silentLog } from '../../src/embedded/embedded-log.ts';
import { createEmbeddedIssuer } from '../../src/embedded/issuer/issuer.ts';
import { findFreePort } from '../../src/embedded/process/free-port.ts';
import { createClient } from '../../src/shared/sdk/client.ts';
import { clusterKinds } from '../support/clusters.ts';
import { createTestDatabase, createTestRedis } from '../support/services.ts';
import { createDataDir, runProgram, startSystem, type StartedSystem } from '../support/started-system.ts';
import { mintToken } from '../support/test-server.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

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

describe('npm start', { timeout: 60_000 }, () => {
  let dataDir: string;
  beforeEach(() => {
    const made = createDataDir();
    cleanUps.push(made.remove);
    dataDir = made.dataDir;
  });

  it('says what is embedded, and keeps its projects across Ctrl-C and across kill -9', async () => {
    let system = await start({ dataDir });
    expect(system.output()).toMatch(/PostgreSQL +embedded \(PostgreSQL \d+/);
    expect(system.output()).toMatch(/Redis +embedded \(/);
    expect(system.output()).toMatch(/Kubernetes +embedded/);
    expect(system.output()).toContain(`at ${system.url}\n`);
    expect(system.output()).toMatch(/Sign in as user-a, user-b, user-c\. The password is the user name\./);

    const token = await tokenFor(system, 'user-a');
    let client = connect(system, token);
    const { id } = await client.projects.create({ name: 'Kept' });
    await client.waitFor(id, (project) => project.status === 'ready', { timeoutMs: 20_000 });

    const ended = await system.end('SIGINT');
    expect(ended.code).toBe(0);
    expect(ended.tookMs).toBeLessThan(5_000);
    expect(system.output()).not.toMatch(/error/i);

    system = await start({ dataDir });
    client = connect(system, token);
    const podBefore = (await client.waitFor(id, (project) => project.status === 'ready', { timeoutMs: 20_000 }))
      .podCreatedAt;
    await system.end('SIGKILL');

    system = await start({ dataDir });
    client = connect(system, token);
    const kept = await client.waitFor(id, (project) => project.status === 'ready', { timeoutMs: 20_000 });
    expect(kept).toMatchObject({ name: 'Kept', podCreatedAt: podBefore });
    await client.projects.delete(id);
    await client.waitFor(id, (project) => project.status === 'archived', { timeoutMs: 20_000 });
  });

  it('runs twice side by side, with a port and a folder each', async () => {
    const other = createDataDir();
    cleanUps.push(other.remove);
    const systems = await Promise.all([start({ dataDir }), start({ dataDir: other.dataDir })]);
    const lists = await Promise.all(
      systems.map(async (system, index) => {
        const client = connect(system, await tokenFor(system, 'user-a'));
        await client.projects.create({ name: `Only in ${index}` });
        return (await client.projects.list()).items.map((project) => project.name);
      }),
    );
    expect(lists).toEqual([['Only in 0'], ['Only in 1']]);
  });

  it('refuses a second start on the same folder in words', async () => {
    const system = await start({ dataDir });
    await expect(startSystem({ dataDir })).rejects.toThrow(/exit code 1[^]*Could not start: [^]*in use|already/);
    expect((await fetch(`${system.url}/livez`)).status).toBe(200);
  });

  it('takes real services where variables name them, and embeds none of those', async () => {
    const [database, redis, cluster, port] = await Promise.all([
      createTestDatabase(),
      createTestRedis(),
      clusterKinds.at(-1)?.start(),
      findFreePort(),
    ]);
    if (!cluster) throw new Error('There is no cluster to test on.');
    cleanUps.push(database.drop, () => cluster.stop());
    const issuerData = createDataDir();
    cleanUps.push(issuerData.remove);
    const issuer = await createEmbeddedIssuer({
      dataDir: issuerData.dataDir,
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
      dataDir,
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
      expect(system.output()).toContain(`that ${name} names`);
    }
    const login = await fetch(`${system.url}/auth/login`, { redirect: 'manual' });
    expect(login.headers.get('location')).toMatch(new RegExp(`^${issuer.url}/.*client_id=manager`));

    const client = connect(system, await mintToken(database.url, 'somebody'));
    const project = await client.projects.create({ name: 'Real' });
    await client.waitFor(project.id, ({ status }) => status === 'ready', { timeoutMs: 20_000 });
    const pod = await cluster.api.readNamespacedPod({ name: project.podName, namespace: 'opencode' });
    expect(pod.status?.phase).toBe('Running');
  });

  it('lists every wrong variable at once, and ends with 1 before anything has started', async () => {
    const run = runProgram('src/embedded/main.ts', {
      DATA_DIR: dataDir,
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

describe.each(['server', 'worker'])('npm run %s', (program) => {
  it('lists what is missing and ends with 1', async () => {
    const run = runProgram(`src/${program}/main.ts`, { PORT: '99999', WORKER_METRICS_PORT: 'x' });
    expect(await run.exited).toBe(1);
    expect(run.output()).toMatch(/DATABASE_URL: is not set\./);
    expect(run.output()).toMatch(/REDIS_URL: is not set\./);
    expect(run.output()).toMatch(program === 'server' ? /PORT: / : /WORKER_METRICS_PORT: /);
  });
});

describe('npm run token', () => {
  it('says what to do when nothing runs, and when the user is none of the development users', async () => {
    const { dataDir, remove } = createDataDir();
    cleanUps.push(remove);
    for (const [args, words] of [
      [['user-a'], /Start it first with "npm start"/],
      [['somebody-else'], /user-a \| user-b \| user-c/],
      [[], /user-a \| user-b \| user-c/],
    ] as const) {
      const run = runProgram('src/embedded/token-cli.ts', { DATA_DIR: dataDir }, [...args]);
      expect(await run.exited).toBe(1);
      expect(run.output()).toMatch(words);
    }
  });
});
