/**
 * docs/operations/runbook.md on a real cluster: runs each of its commands as printed and checks the result that the page promises.
 * The database and Redis clients are those inside the containers. The tests depend on each other in their order.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';

import { projectStatusSchema } from '../../src/shared/contract/states.ts';
import { createClient, type Client, type Project } from '../../src/shared/sdk/client.ts';
import { readMetric } from '../support/read-metric.ts';
import {
  deploy,
  diagnostics,
  execInPod,
  kubectl,
  overlay,
  projects,
  readCredential,
  requestGateway,
  requestPod,
  signIn,
  system,
  url,
} from './cluster.ts';
import { readCommands, runCommand } from './runbook-commands.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const commands = readCommands(readFileSync(join(root, 'docs/operations/runbook.md'), 'utf8'));
const executed = new Set<string>();
const folder = mkdtempSync(join(tmpdir(), 'opencode-runbook-'));
const address = (user: string, password: string) => `postgresql://${user}:${password}@postgres:5432/opencode`;
const env: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${folder}:${process.env['PATH']}`,
  DATABASE_URL: address('opencode', 'development'),
  // The container's own user needs no password on the local socket.
  ADMIN_URL: 'postgresql:///opencode?host=/tmp&user=opencode',
  REDISCLI_AUTH: 'development',
};

/** Runs the command of a section that contains `part`, as printed; `fill` has the values that an operator would write. */
function runbook(heading: string, part: string, fill: Record<string, string> = {}) {
  const matches = commands.filter((each) => each.heading === heading && each.text.includes(part));
  if (matches.length !== 1) throw new Error(`${matches.length} commands of "${heading}" contain "${part}".`);
  const [command = { heading, text: '' }] = matches;
  executed.add(command.text);
  const paths = Object.entries({ 'k8s/overlays/production': overlay, 'k8s/base': join(root, 'k8s/base') });
  const used = paths.filter(([path]) => command.text.includes(path));
  return runCommand(command, { fill: { ...Object.fromEntries(used), ...fill }, cwd: folder, env });
}
async function runSuccessfully(...[heading, part, fill]: Parameters<typeof runbook>): Promise<string> {
  const { failed, stdout, stderr } = await runbook(heading, part, fill);
  if (failed) process.stdout.write(`${stdout}\n${stderr}\n${diagnostics()}\n`);
  expect(failed).toBe(false);
  return stdout;
}
const stopServersAndWorkers = () => runSuccessfully('Stop servers and workers', 'scale deployment');
const upgrade = () => runSuccessfully('Upgrade', 'kubectl apply -k');
const setSecrets = (fields: Record<string, string>) => {
  const list = Object.entries(fields).map(([name, value]) => `${name}: '${value}'`);
  return runSuccessfully('Rotate secrets', 'SESSION_SECRET', {
    "SESSION_SECRET: '$(openssl rand -base64 48)'": list.join(', '),
  });
};
const sql = (query: string) =>
  kubectl(...system, 'exec', 'postgres-0', '--', 'psql', '-At', String(env['ADMIN_URL']), '-c', query).trim();
const listMigrations = () => sql('SELECT name FROM knex_migrations ORDER BY id').split('\n');

let client: Client;
let token: string;
let project: Project;
const waitUntilReady = (id: string) => client.waitFor(id, ({ status }) => status === 'ready', { timeoutMs: 120_000 });
const waitUntilArchived = (id: string) =>
  client.waitFor(id, ({ status }) => status === 'archived', { timeoutMs: 120_000 });
const createProject = async (name: string) => {
  const created = await waitUntilReady((await client.projects.create({ name: `${name} ${Date.now()}` })).id);
  execInPod(created.podName, 'opencode-server', 'sh', '-c', 'echo kept > /workspace/project/note.txt');
  return created;
};
const listFiles = ({ podName }: Project) =>
  execInPod(podName, 'opencode-server', 'ls', '/workspace/project').split('\n');
const readUnknownObjects = async () => {
  const workers = [
    'get',
    'pods',
    '-l',
    'app.kubernetes.io/component=worker',
    '-o',
    'jsonpath={.items[*].status.podIP}',
  ];
  const ips = kubectl(...system, ...workers).split(' ');
  const texts = ips.map(async (ip) => await (await fetch(`http://${ip}:3081/metrics`)).text());
  const counts = (await Promise.all(texts)).map((text) => readMetric(text, 'opencode_unknown_objects'));
  return counts.reduce((sum, count) => sum + count, 0);
};

beforeAll(async () => {
  for (const [program, pod] of [
    ['psql', 'postgres-0'],
    ['pg_dump', 'postgres-0'],
    ['pg_restore', 'postgres-0'],
    ['redis-cli', 'redis-0'],
  ] as const) {
    const inside = program === 'redis-cli' ? 'env REDISCLI_AUTH="$REDISCLI_AUTH" redis-cli' : program;
    const lines = `#!/bin/sh\nexec kubectl -n opencode-system exec -i ${pod} -- ${inside} "$@"\n`;
    writeFileSync(join(folder, program), lines, { mode: 0o755 });
  }
  await deploy();
  await vi.waitFor(
    async () => expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'ok' }),
    10_000,
  );
  token = await (await signIn('user-a')).token();
  client = createClient({ url, token });
  project = await createProject('Runbook');
});
afterAll(async () => {
  await client?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the runbook on a real cluster', () => {
  it('creates a Secret with all fields that the programs read, and rotates the session secret without revoking tokens', async () => {
    kubectl(...system, 'delete', 'secret', 'opencode-secrets');
    await runSuccessfully('Install', 'create secret', {
      'postgresql://user:password@host:5432/opencode': address('opencode', 'development'),
      'rediss://:password@host:6379': 'redis://:development@redis:6379',
      '…': 'development-secret-of-opencode-project-manager',
    });
    const person = await signIn('user-a');
    expect((await person.api('auth.me')).status).toBe(200);
    await runSuccessfully('Rotate secrets', 'SESSION_SECRET');
    // Old servers answer on their open connections until they have drained.
    await vi.waitFor(async () => expect((await person.api('auth.me')).status).toBe(401), { timeout: 40_000 });
    expect(await client.projects.get(project.id)).toMatchObject({ status: 'ready' });
    await runSuccessfully('Install', 'kubectl apply -k');
  });

  it('undoes the newest migration, and an upgrade of stopped servers migrates again while projects keep their pods', async () => {
    const readJobUid = () => kubectl(...system, 'get', 'job', 'migrate', '-o', 'jsonpath={.metadata.uid}');
    const readPodUid = () => kubectl(...projects, 'get', 'pod', project.podName, '-o', 'jsonpath={.metadata.uid}');
    const all = listMigrations();
    const podUid = readPodUid();
    await stopServersAndWorkers();
    await runSuccessfully('Downgrade', 'awk');
    expect(listMigrations()).toEqual(all.slice(0, -1));
    const jobUid = readJobUid();
    await upgrade();
    expect(readJobUid()).not.toBe(jobUid);
    expect(listMigrations()).toEqual(all);
    expect(readPodUid()).toBe(podUid);
    await waitUntilReady(project.id);
  });

  it('restores the rows of the backup, and workers make the cluster agree with them', async () => {
    const deletedLater = await createProject('Deleted later');
    await runSuccessfully('Back up and restore', 'pg_dump');
    await client.projects.delete(deletedLater);
    const [createdLater] = await Promise.all([createProject('Created later'), waitUntilArchived(deletedLater.id)]);
    execInPod(project.podName, 'opencode-server', 'sh', '-c', 'echo after > /workspace/project/later.txt');

    // A truncated backup changes nothing.
    const whole = readFileSync(join(folder, 'opencode.dump'));
    writeFileSync(join(folder, 'opencode.dump'), whole.subarray(0, Math.floor(whole.length / 2)));
    await stopServersAndWorkers();
    expect((await runbook('Back up and restore', 'pg_restore')).failed).toBe(true);
    expect(sql(`SELECT count(*) FROM projects WHERE id = '${createdLater.id}'`)).toBe('1');

    writeFileSync(join(folder, 'opencode.dump'), whole);
    await runSuccessfully('Back up and restore', 'pg_restore');
    // For a restore that nothing would notice. This one is noticed anyway, and counts once.
    await runSuccessfully('Back up and restore', "data_id = 'restored'");
    const restores = Number(sql('SELECT restores FROM installation'));
    await upgrade();
    expect(Number(sql('SELECT restores FROM installation'))).toBe(restores + 1);
    await client.close();
    client = createClient({ url, token });

    expect(listFiles(await waitUntilReady(project.id))).toEqual(expect.arrayContaining(['note.txt', 'later.txt']));
    // The row says `ready`, as in the backup, until a worker has read the cluster.
    const containers = ['get', 'pod', deletedLater.podName, '-o', 'jsonpath={.status.containerStatuses[*].ready}'];
    await vi.waitFor(() => expect(kubectl(...projects, ...containers)).toBe('true true true'), {
      timeout: 120_000,
      interval: 500,
    });
    expect(listFiles(deletedLater)).not.toContain('note.txt');
    await expect(client.projects.get(createdLater.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    // Its pod and its claim.
    await vi.waitFor(async () => expect(await readUnknownObjects()).toBe(2), { timeout: 60_000, interval: 500 });
    expect(await runSuccessfully('OpenCodeUnknownObjects', '-L project-id')).toMatch(
      new RegExp(`persistentvolumeclaim/${createdLater.workspacePvcName}.*${createdLater.id}`),
    );
    kubectl(...projects, 'delete', 'pods,pvc,secrets', '-l', `project-id=${createdLater.id}`, '--wait=false');
    await client.projects.delete(deletedLater);
  });

  it('rotates the passwords of PostgreSQL and Redis, there and back, without a failed request', async () => {
    const answers: unknown[] = [];
    const polling = setInterval(() => {
      void client.projects.get(project.id).then(
        ({ status }) => answers.push(status),
        (error) => answers.push(String(error)),
      );
    }, 200);
    onTestFinished(() => clearInterval(polling));

    await runSuccessfully('Rotate secrets', 'CREATE ROLE', { '<new>': 'second' });
    await runSuccessfully('Rotate secrets', "ACL SETUSER default '>", { '<new>': 'second' });
    await setSecrets({ DATABASE_URL: address('opencode_b', 'second'), REDIS_URL: 'redis://:second@redis:6379' });
    const connected = "backend_type = 'client backend' AND client_addr IS NOT NULL";
    // Old servers and workers disconnect when they have drained.
    await vi.waitFor(
      () => expect(sql(`SELECT DISTINCT usename FROM pg_stat_activity WHERE ${connected}`)).toBe('opencode_b'),
      { timeout: 40_000, interval: 500 },
    );
    await runSuccessfully('Rotate secrets', 'PASSWORD NULL');
    await runSuccessfully('Rotate secrets', "ACL SETUSER default '<", { '<old>': 'development' });
    env['REDISCLI_AUTH'] = 'second';

    await client.projects.restart(project);
    await client.waitFor(project.id, ({ status }) => status !== 'ready', { timeoutMs: 60_000 });
    await waitUntilReady(project.id);
    expect(sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner <> 'opencode'")).toBe('0');

    sql("ALTER ROLE opencode PASSWORD 'development'");
    await runSuccessfully('Rotate secrets', "ACL SETUSER default '>", { '<new>': 'development' });
    await setSecrets({
      DATABASE_URL: address('opencode', 'development'),
      REDIS_URL: 'redis://:development@redis:6379',
    });
    sql('DROP ROLE opencode_b');
    await runSuccessfully('Rotate secrets', "ACL SETUSER default '<", { '<old>': 'second' });
    env['REDISCLI_AUTH'] = 'development';
    clearInterval(polling);
    expect(answers.length).toBeGreaterThan(50);
    expect(answers.filter((answer) => !projectStatusSchema.safeParse(answer).success)).toEqual([]);
  });

  it('rotates ACCESS_SECRET while a project is open, and the project gets new credentials at its restart', async () => {
    const [old, opened] = [readCredential(project.id, 'sidecar'), await requestGateway(project.id, '/session', token)];
    expect(opened.status).toBe(200);
    const previous = 'development-access-secret-that-everybody-knows';
    await setSecrets({ ACCESS_SECRET: 'second-access-secret-that-everybody-knows', ACCESS_SECRET_PREVIOUS: previous });
    expect((await requestGateway(project.id, '/session', token)).status).toBe(200);
    await client.projects.restart(project);
    await client.waitFor(project.id, ({ status }) => status !== 'ready', { timeoutMs: 60_000 });
    const { podName } = await waitUntilReady(project.id);
    expect((await requestPod(podName, 3002, '/session', `Bearer ${old}`)).status).toBe(401);
    expect((await requestGateway(project.id, '/session', token)).status).toBe(200);
  });

  it('prints commands for alerts that answer', async () => {
    expect(await runSuccessfully('When an alert fires', 'get pods')).toContain('worker');
    expect(await runSuccessfully('OpenCodeServerAbsent', 'component=server')).toMatch(/server-.*Running/);
    expect(await runSuccessfully('OpenCodeGatewayAbsent', 'component=gateway')).toMatch(/gateway-.*Running/);
    expect(await runSuccessfully('OpenCodeClusterUnreachable', 'can-i')).toBe('yes\n');
    expect(await runSuccessfully('OpenCodeJobsFail', 'get events')).toContain(project.podName);
    const [pod = ''] = kubectl(
      ...system,
      'get',
      'pods',
      '-l',
      'app.kubernetes.io/component=worker',
      '-o',
      'name',
    ).split('\n');
    const logs = await runbook('OpenCodeServerAbsent', 'logs --previous', { '<pod>': pod });
    expect(logs.stderr).toMatch(/previous terminated container .* not found/); // it has not restarted
  });

  it('prints a check of the network policies that fails by a policy, not for lack of curl', async () => {
    const { podName } = await client.projects.get(project.id);
    const { failed, stderr } = await runbook('What the network policies allow', 'curl', { '<pod>': podName });
    expect(failed).toBe(true);
    expect(stderr).toMatch(/curl: \((7|28)\)/); // refused or timed out
  });

  it('prints no command that these tests do not run, except the image builds with Docker', () => {
    const skipped = commands.map(({ text }) => text).filter((text) => !executed.has(text));
    expect(skipped.filter((text) => !text.startsWith('docker build'))).toEqual([]);
    expect(skipped).toHaveLength(1);
  });
});
