/**
 * docs/operations/runbook.md on a real cluster: each of its commands is run as it is printed, and does what the page says.
 * The programs of PostgreSQL and Redis that an operator has at hand are those in the containers. The tests follow one another.
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
  askPod,
  bringUp,
  findings,
  inContainer,
  kubectl,
  overlay,
  projects,
  secretOf,
  signIn,
  system,
  untilRolledOut,
  url,
} from './deployed.ts';
import { readCommands, runPrinted } from './printed.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const commands = readCommands(readFileSync(join(root, 'docs/operations/runbook.md'), 'utf8'));
const run = new Set<string>();
const folder = mkdtempSync(join(tmpdir(), 'opencode-runbook-'));
const address = (user: string, password: string) => `postgresql://${user}:${password}@postgres:5432/opencode`;
const env: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${folder}:${process.env['PATH']}`,
  DATABASE_URL: address('opencode', 'development'),
  // Of the container's own user, who needs no password there.
  ADMIN_URL: 'postgresql:///opencode?host=/tmp&user=opencode',
  REDISCLI_AUTH: 'development',
};

/** Runs the command under a heading that has the words in it, as printed; `fill` names what an operator would write instead. */
function runbook(heading: string, words: string, fill: Record<string, string> = {}) {
  const found = commands.filter((each) => each.heading === heading && each.text.includes(words));
  if (found.length !== 1) throw new Error(`${found.length} commands of "${heading}" have "${words}" in them.`);
  const [command = { heading, text: '' }] = found;
  run.add(command.text);
  const places = Object.entries({ 'k8s/overlays/production': overlay, 'k8s/base': join(root, 'k8s/base') });
  const here = places.filter(([place]) => command.text.includes(place));
  return runPrinted(command, { fill: { ...Object.fromEntries(here), ...fill }, cwd: folder, env });
}
const done = async (running: ReturnType<typeof runbook>) => {
  const { failed, stdout, stderr } = await running;
  if (failed) process.stdout.write(`${stdout}\n${stderr}\n${findings()}\n`);
  expect(failed).toBe(false);
  return stdout;
};
const upgrade = () => done(runbook('Upgrade', 'kubectl apply -k'));
const sql = (query: string) =>
  kubectl(...system, 'exec', 'postgres-0', '--', 'psql', '-At', String(env['ADMIN_URL']), '-c', query).trim();
const migrations = () => sql('SELECT name FROM knex_migrations ORDER BY id').split('\n');

let client: Client;
let token: string;
let project: Project;
const ready = (id: string) => client.waitFor(id, ({ status }) => status === 'ready', { timeoutMs: 120_000 });
const create = async (name: string) => {
  const made = await ready((await client.projects.create({ name: `${name} ${Date.now()}` })).id);
  inContainer(made.podName, 'opencode-server', 'sh', '-c', 'echo kept > /workspace/note.txt');
  return made;
};
const files = ({ podName }: Project) => inContainer(podName, 'opencode-server', 'ls', '/workspace').split('\n');

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
  bringUp();
  await vi.waitFor(
    async () => expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'ok' }),
    10_000,
  );
  token = await (await signIn('user-a')).token();
  client = createClient({ url, token });
  project = await create('Runbook');
});
afterAll(async () => {
  await client?.close();
  rmSync(folder, { recursive: true, force: true });
});

// Not tried again: a second run of these commands is another thing than the first.
describe('the runbook on a real cluster', { retry: 0 }, () => {
  it('installs: its Secret has what the programs read', async () => {
    kubectl(...system, 'delete', 'secret', 'opencode-secrets');
    await done(
      runbook('Install', 'create secret', {
        'postgresql://user:password@host:5432/opencode': address('opencode', 'development'),
        'rediss://:password@host:6379': 'redis://:development@redis:6379',
        '…': 'development-secret-of-opencode-project-manager',
      }),
    );
    kubectl(...system, 'rollout', 'restart', 'deployment/server', 'deployment/worker');
    untilRolledOut();
    await done(runbook('Install', 'kubectl apply -k'));
  });

  it('upgrades: the Job runs anew, and projects go on in the pods that they have', async () => {
    const job = () => kubectl(...system, 'get', 'job', 'migrate', '-o', 'jsonpath={.metadata.uid}');
    const pod = () => kubectl(...projects, 'get', 'pod', project.podName, '-o', 'jsonpath={.metadata.uid}');
    const before = { job: job(), pod: pod() };
    await upgrade();
    expect(job()).not.toBe(before.job);
    expect(pod()).toBe(before.pod);
    expect(await client.projects.get(project.id)).toMatchObject({ status: 'ready' });
  });

  it('goes back: the newest migration is undone, and made again by the next upgrade', async () => {
    const all = migrations();
    await done(runbook('Back again', 'awk'));
    expect(migrations()).toEqual(all.slice(0, -1));
    await upgrade();
    expect(migrations()).toEqual(all);
    await ready(project.id);
  });

  it('restores: rows are as in the backup, and the cluster follows them as the page says', async () => {
    const deletedLater = await create('Deleted later');
    await done(runbook('Back up and restore', 'pg_dump'));
    await client.projects.delete(deletedLater);
    await client.waitFor(deletedLater.id, ({ status }) => status === 'archived', { timeoutMs: 120_000 });
    const createdLater = await create('Created later');
    inContainer(project.podName, 'opencode-server', 'sh', '-c', 'echo after > /workspace/later.txt');

    // A backup that is cut off changes nothing.
    const whole = readFileSync(join(folder, 'opencode.dump'));
    writeFileSync(join(folder, 'opencode.dump'), whole.subarray(0, Math.floor(whole.length / 2)));
    expect((await runbook('Back up and restore', 'pg_restore')).failed).toBe(true);
    expect(sql(`SELECT count(*) FROM projects WHERE id = '${createdLater.id}'`)).toBe('1');

    writeFileSync(join(folder, 'opencode.dump'), whole);
    await done(runbook('Back up and restore', 'pg_restore'));
    await upgrade();
    await client.close();
    client = createClient({ url, token });

    expect(files(await ready(project.id))).toEqual(expect.arrayContaining(['note.txt', 'later.txt']));
    // Its row says `ready` as in the backup until a worker has looked.
    const containers = ['get', 'pod', deletedLater.podName, '-o', 'jsonpath={.status.containerStatuses[*].ready}'];
    await vi.waitFor(() => expect(kubectl(...projects, ...containers)).toBe('true true true'), {
      timeout: 120_000,
      interval: 500,
    });
    expect(files(deletedLater)).not.toContain('note.txt');
    await expect(client.projects.get(createdLater.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await vi.waitFor(
      async () => {
        const ips = kubectl(
          ...system,
          'get',
          'pods',
          '-l',
          'app.kubernetes.io/component=worker',
          '-o',
          'jsonpath={.items[*].status.podIP}',
        );
        const texts = ips.split(' ').map(async (ip) => await (await fetch(`http://${ip}:3081/metrics`)).text());
        const counts = (await Promise.all(texts)).map((text) => readMetric(text, 'opencode_unknown_objects'));
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2); // its pod and its claim
      },
      { timeout: 60_000, interval: 500 },
    );
    expect(await done(runbook('OpenCodeUnknownObjects', '-L project-id'))).toMatch(
      new RegExp(`persistentvolumeclaim/${createdLater.workspacePvcName}.*${createdLater.id}`),
    );
    kubectl(...projects, 'delete', 'pods,pvc,secrets', '-l', `project-id=${createdLater.id}`, '--wait=false');
    await client.projects.delete(deletedLater);
    await client.waitFor(deletedLater.id, ({ status }) => status === 'archived', { timeoutMs: 120_000 });
  });

  it('rotates the secret of sessions: people sign in again, and their tokens go on', async () => {
    const person = await signIn('user-a');
    expect((await person.api('auth.me')).status).toBe(200);
    await done(runbook('Rotate secrets', 'SESSION_SECRET'));
    // The servers of before answer on the connections that they have until they have drained.
    await vi.waitFor(async () => expect((await person.api('auth.me')).status).toBe(401), { timeout: 40_000 });
    expect(await client.projects.get(project.id)).toMatchObject({ status: 'ready' });
  });

  it("rotates PostgreSQL's and Redis's passwords under people who notice nothing, there and back", async () => {
    const answers: unknown[] = [];
    const people = setInterval(() => {
      void client.projects.get(project.id).then(
        ({ status }) => answers.push(status),
        (error) => answers.push(String(error)),
      );
    }, 200);
    onTestFinished(() => clearInterval(people));
    const rotated = (field: string, value: string) =>
      done(runbook('Rotate secrets', 'SESSION_SECRET', { SESSION_SECRET: field, '$(openssl rand -base64 48)': value }));
    const users = () =>
      sql(
        "SELECT DISTINCT usename FROM pg_stat_activity WHERE backend_type = 'client backend' AND client_addr IS NOT NULL",
      );

    await done(runbook('Rotate secrets', 'CREATE ROLE', { '<new>': 'second' }));
    await done(runbook('Rotate secrets', "ACL SETUSER default '>", { '<new>': 'second' }));
    await rotated('DATABASE_URL', address('opencode_b', 'second'));
    await rotated('REDIS_URL', 'redis://:second@redis:6379');
    expect(users()).toBe('opencode_b');
    await done(runbook('Rotate secrets', 'PASSWORD NULL'));
    await done(runbook('Rotate secrets', "ACL SETUSER default '<", { '<old>': 'development' }));
    env['REDISCLI_AUTH'] = 'second';

    await client.projects.restart(project);
    await client.waitFor(project.id, ({ status }) => status !== 'ready', { timeoutMs: 60_000 });
    await ready(project.id);
    expect(sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner <> 'opencode'")).toBe('0');

    sql("ALTER ROLE opencode PASSWORD 'development'");
    await done(runbook('Rotate secrets', "ACL SETUSER default '>", { '<new>': 'development' }));
    await rotated('DATABASE_URL', address('opencode', 'development'));
    await rotated('REDIS_URL', 'redis://:development@redis:6379');
    sql('DROP ROLE opencode_b');
    await done(runbook('Rotate secrets', "ACL SETUSER default '<", { '<old>': 'second' }));
    env['REDISCLI_AUTH'] = 'development';
    clearInterval(people);
    expect(answers.length).toBeGreaterThan(50);
    expect(answers.filter((answer) => !projectStatusSchema.safeParse(answer).success)).toEqual([]);
  });

  it('gives a project a new secret: the old one opens nothing', async () => {
    const old = secretOf(project.id);
    await client.projects.stop(project);
    await client.waitFor(project.id, ({ status }) => status === 'stopped', { timeoutMs: 120_000 });
    await done(runbook('Rotate secrets', 'delete secret', { '<id>': project.id }));
    await client.projects.start(project);
    const { podName } = await ready(project.id);
    const statuses = [old, secretOf(project.id)].map((secret) => askPod(podName, 3002, '/session', `Bearer ${secret}`));
    expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([401, 200]);
  });

  it('names commands for its alerts that answer', async () => {
    expect(await done(runbook('When an alert fires', 'get pods'))).toContain('worker');
    expect(await done(runbook('OpenCodeServerAbsent', 'component=server'))).toMatch(/server-.*Running/);
    expect(await done(runbook('OpenCodeClusterUnreachable', 'can-i'))).toBe('yes\n');
    expect(await done(runbook('OpenCodeJobsFail', 'get events'))).toContain(project.podName);
    const pod = kubectl(...system, 'get', 'pods', '-l', 'app.kubernetes.io/component=worker', '-o', 'name').split(
      '\n',
    )[0];
    const logs = await runbook('OpenCodeServerAbsent', 'logs --previous', { '<pod>': String(pod) });
    expect(logs.stderr).toMatch(/previous terminated container .* not found/); // it has not been restarted
    // The lab enforces no network rules: whether anybody answers there depends on the machine. That curl is there does not.
    const { podName } = await client.projects.get(project.id);
    const reached = await runbook('What the network rules do, and do not', 'curl', { '<pod>': podName });
    expect(reached.stderr).toMatch(/% Total +% Received/);
  });

  it('has no further command but those of Docker, which images/ is built with elsewhere', () => {
    const left = commands.map(({ text }) => text).filter((text) => !run.has(text));
    expect(left.filter((text) => !text.startsWith('docker build'))).toEqual([]);
    expect(left).toHaveLength(1);
  });
});
