/**
 * The whole system on a real cluster of one node: kubelet, containerd, the images of images/, the manifests of k8s/. Run by
 * `npm run lab`, which builds the images and brings the cluster up. The tests follow one another: each finds what the one
 * before has left.
 */

import { spawnSync } from 'node:child_process';
import process from 'node:process';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';

import { createClient, type Client, type Project } from '../../src/shared/sdk/client.ts';
import {
  askPod,
  bringUp,
  findings,
  inContainer,
  kubectl,
  projects,
  secretOf,
  signIn,
  system,
  untilRolledOut,
  url,
} from './deployed.ts';

const repoUrl = 'http://git-server.opencode-system.svc:8080/example';
const podsSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ deletionTimestamp: z.string().optional() }),
      status: z.object({ containerStatuses: z.array(z.object({ restartCount: z.number() })) }),
    }),
  ),
});

let client: Client;
let project: Project;
let secret: string;

/** One of the three ports of the project's pod, with or without its secret. */
async function ask(port: number, path: string, authorization: string | null, init: RequestInit = {}) {
  const { podName } = await client.projects.get(project.id);
  return await askPod(podName, port, path, authorization, init);
}
const bearer = () => `Bearer ${secret}`;
const basic = () => `Basic ${btoa(`opencode:${secret}`)}`;
const read = async (path: string) => {
  const answer = await ask(3001, `/read?path=${encodeURIComponent(path)}`, bearer());
  return z.object({ content: z.string() }).parse(await answer.json()).content;
};

beforeAll(bringUp);
afterAll(async () => {
  await client?.close();
});

describe('the kind overlay on a real cluster', () => {
  it('is up: migrated by its Job, two servers and two workers ready by their own probes', async () => {
    const ready = kubectl(
      ...system,
      'get',
      'deployments',
      'server',
      'worker',
      '-o',
      'jsonpath={.items[*].status.readyReplicas}',
    );
    expect(ready).toBe('2 2');
    // The first sign of life of the watch may be on its way.
    await vi.waitFor(
      async () => expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'ok' }),
      10_000,
    );
  });

  it('signs a person in through its Service and the issuer, and gives them a token', async () => {
    const person = await signIn('user-a');
    expect([new URL(person.home.url).origin, person.home.status]).toEqual([url, 200]);
    expect((await person.api('auth.me')).data).toMatchObject({ name: 'User A' });
    client = createClient({ url, token: await person.token() });
  });

  it('makes a pod of three containers with the real OpenCode, its repository cloned', async () => {
    project = await client.projects.create({ name: `Real ${Date.now()}`, repoUrl });
    const told: string[] = [];
    const isReady = ({ status, reason, message }: Project) => {
      const words = `${status} (${reason}): ${message}`;
      if (told.at(-1) !== words) told.push(words);
      return status === 'ready';
    };
    // A node that has just come up may refuse something once; what it was is then to be read.
    project = await client.waitFor(project.id, isReady, { timeoutMs: 120_000 }).catch((error: unknown) => {
      process.stdout.write(`${told.join('\n')}\n${findings()}\n`);
      throw error;
    });
    const errors = told.filter((words) => words.startsWith('error'));
    if (errors.length > 0) process.stdout.write(`On the way to ready:\n${told.join('\n')}\n${findings()}\n`);
    expect(project.podError).toBeNull();
    const pod = ['get', 'pod', project.podName, '-o'];
    expect(kubectl(...projects, ...pod, 'jsonpath={.spec.containers[*].name}')).toBe(
      'opencode-server file-browser session-proxy',
    );
    expect(kubectl(...projects, ...pod, 'jsonpath={.status.containerStatuses[*].ready}')).toBe('true true true');
    secret = secretOf(project.id);
    expect(secret.length).toBeGreaterThanOrEqual(32);
    expect(await read('README.md')).toBe('Cloned inside the lab.\n');
  });

  it('answers on its three ports whoever has the secret of the project, and nobody else', async () => {
    const doors = [
      [3000, '/session', basic()],
      [3001, '/list', bearer()],
      [3002, '/session', bearer()],
    ] as const;
    for (const [port, path, authorization] of doors) {
      const statuses = [null, `Bearer ${'x'.repeat(secret.length)}`, authorization].map((each) =>
        ask(port, path, each),
      );
      expect([port, ...(await Promise.all(statuses)).map(({ status }) => status)]).toEqual([port, 401, 401, 200]);
    }
    expect((await ask(3001, '/healthz', null)).status).toBe(200);
  });

  it('lets OpenCode work: a session made through the session proxy is there, and its folder is the repository', async () => {
    const made = await ask(3002, '/session', bearer(), {
      method: 'POST',
      body: JSON.stringify({ title: 'From outside' }),
    });
    expect(await made.json()).toMatchObject({ title: 'From outside', directory: '/workspace' });
    expect(await (await ask(3002, '/session', bearer())).json()).toMatchObject([{ title: 'From outside' }]);
  });

  it('keeps files through a stop and a start', async () => {
    inContainer(project.podName, 'opencode-server', 'sh', '-c', 'echo kept > /workspace/note.txt');
    await client.projects.stop(project);
    await client.waitFor(project.id, ({ status }) => status === 'stopped', { timeoutMs: 120_000 });
    expect(kubectl(...projects, 'get', 'pods', '-o', 'name')).toBe('');
    await client.projects.start(project);
    await client.waitFor(project.id, ({ status }) => status === 'ready', { timeoutMs: 120_000 });
    expect(await read('note.txt')).toBe('kept\n');
    expect(await (await ask(3002, '/session', bearer())).json()).toMatchObject([{ title: 'From outside' }]);
  });

  it('ends OpenCode when it is asked to: a stop does not take the whole grace period', async () => {
    inContainer(project.podName, 'opencode-server', 'sh', '-c', 'kill -TERM 1');
    const ended = '{.status.containerStatuses[?(@.name=="opencode-server")].lastState.terminated.exitCode}';
    await vi.waitFor(
      () => expect(kubectl(...projects, 'get', 'pod', project.podName, '-o', `jsonpath=${ended}`)).toBe('143'),
      { timeout: 9_000, interval: 300 },
    );
    await client.waitFor(project.id, ({ status }) => status === 'ready', { timeoutMs: 60_000 });
  });

  it('loses nothing while servers and workers are replaced one by one', async () => {
    const observed: string[] = [];
    const watching = new AbortController();
    const watch = (async () => {
      for await (const { id, status } of client.watch(undefined, { signal: watching.signal }))
        observed.push(`${id} ${status}`);
    })();
    await vi.waitFor(() => expect(observed).toContain(`${project.id} ready`), 10_000);
    kubectl(...system, 'rollout', 'restart', 'deployment/server', 'deployment/worker');
    const made: Project[] = [];
    for (const name of ['First', 'Second']) {
      const one = await client.projects.create({ name: `${name} ${Date.now()}` });
      made.push(one);
      await client.waitFor(one.id, ({ status }) => status === 'ready', { timeoutMs: 120_000 });
    }
    untilRolledOut();
    await Promise.all(
      made.map(async ({ id }) => {
        await client.projects.delete(id);
        await client.waitFor(id, ({ status }) => status === 'archived', { timeoutMs: 120_000 });
      }),
    );
    await vi.waitFor(
      () => {
        for (const { id } of made) expect(observed).toEqual(expect.arrayContaining([`${id} ready`, `${id} archived`]));
      },
      { timeout: 10_000 },
    );
    watching.abort();
    await watch;
    expect(await client.projects.get(project.id)).toMatchObject({ status: 'ready' });
    const { items } = podsSchema.parse(
      JSON.parse(
        kubectl(...system, 'get', 'pods', '-l', 'app.kubernetes.io/component in (server, worker)', '-o', 'json'),
      ),
    );
    // Those of before may still be on their way out; at the installation they were there earlier than the migrations.
    const present = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    expect(present.map(({ status }) => status.containerStatuses[0]?.restartCount)).toEqual([0, 0, 0, 0]);
  });

  it('leaves nothing of a deleted project: no pod, no claim, no volume, no secret', async () => {
    const volume = kubectl(...projects, 'get', 'pvc', project.workspacePvcName, '-o', 'jsonpath={.spec.volumeName}');
    expect(volume).not.toBe('');
    await client.projects.delete(project);
    await client.waitFor(project.id, ({ status }) => status === 'archived', { timeoutMs: 120_000 });
    await vi.waitFor(
      () => {
        const left = kubectl(...projects, 'get', 'pods,pvc,secrets', '-l', `project-id=${project.id}`, '-o', 'name');
        expect([left, kubectl('get', 'pv', '-o', 'name')]).toEqual(['', expect.not.stringContaining(volume)]);
      },
      { timeout: 60_000, interval: 500 },
    );
  });

  it('gives the worker the rights of its role in its namespace alone, and the server none', () => {
    const can = (account: string, ...what: string[]) =>
      spawnSync(
        'kubectl',
        [...projects, 'auth', 'can-i', ...what, `--as=system:serviceaccount:opencode-system:${account}`],
        {
          encoding: 'utf8',
        },
      ).stdout.trim();
    expect(can('worker', 'create', 'pods')).toBe('yes');
    expect(can('worker', 'get', 'secrets')).toBe('no');
    expect(can('worker', 'create', 'pods', '-n', 'opencode-system')).toBe('no');
    expect(can('server', 'list', 'pods')).toBe('no');
    // And they have sufficed for all that was done above.
    const said = kubectl(...system, 'logs', '-l', 'app.kubernetes.io/component=worker', '--tail=-1');
    expect(said).not.toMatch(/forbidden/i);
  });
});
