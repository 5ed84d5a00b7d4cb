/**
 * The whole system on a real cluster of one node: kubelet, containerd, the images of images/, the manifests of k8s/. `npm run lab`
 * builds the images, starts the cluster and runs this. The tests depend on each other in
 * their order and share one project, hence the length of the file.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';

import { createClient, type Client, type Project, type Run } from '../../src/shared/sdk/client.ts';
import {
  checkDailyWork,
  checkEditsAreReported,
  checkGrowingFile,
  checkManyFiles,
  checkRefusals,
  checkSwaps,
  type FilesInPod,
} from '../support/files-in-pod.ts';
import {
  deploy,
  diagnostics,
  execInPod,
  execInPodAsync,
  kubectl,
  projects,
  readCredential,
  requestGateway,
  requestPod,
  programs,
  signIn,
  system,
  url,
  waitForPrograms,
} from './cluster.ts';

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
let credentials: { opencode: string; sidecar: string };

/** Sends a request to one of the three ports of the project's pod. */
async function request(port: number, path: string, authorization: string | null, init: RequestInit = {}) {
  const { podName } = await client.projects.get(project.id);
  return await requestPod(podName, port, path, authorization, init);
}
const bearer = () => `Bearer ${credentials.sidecar}`;
const basic = () => `Basic ${btoa(`opencode:${credentials.opencode}`)}`;
const readFile = async (path: string) => {
  const response = await request(3001, `/read?path=${encodeURIComponent(path)}`, bearer());
  return z.object({ content: z.string() }).parse(await response.json()).content;
};

beforeAll(deploy);
afterAll(async () => {
  await client?.close();
});

describe('the kind overlay on a real cluster', () => {
  it('starts two servers, two gateways and two workers that become ready by their own probes', async () => {
    const ready = kubectl(
      ...system,
      'get',
      'deployments',
      'server',
      'gateway',
      'worker',
      '-o',
      'jsonpath={.items[*].status.readyReplicas}',
    );
    expect(ready).toBe('2 2 2');
    // The servers may not have received the first heartbeat of the watch yet.
    await vi.waitFor(
      async () => expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'ok' }),
      10_000,
    );
  });

  it('signs a person in through the Service and the issuer, and gives them a token', async () => {
    const person = await signIn('user-a');
    expect([new URL(person.home.url).origin, person.home.status]).toEqual([url, 200]);
    expect((await person.api('auth.me')).data).toMatchObject({ name: 'User A' });
    client = createClient({ url, token: await person.token() });
  });

  it('starts a pod of three containers with the real OpenCode, and clones the repository', async () => {
    project = await client.projects.create({ name: `Real ${Date.now()}`, repoUrl });
    const statuses: string[] = [];
    const isReady = ({ status, reason, message }: Project) => {
      const line = `${status} (${reason}): ${message}`;
      if (statuses.at(-1) !== line) statuses.push(line);
      return status === 'ready';
    };
    const printHistory = () => process.stdout.write(`${statuses.join('\n')}\n${diagnostics()}\n`);
    project = await client.waitFor(project.id, isReady, { timeoutMs: 120_000 }).catch((error: unknown) => {
      printHistory();
      throw error;
    });
    // A node that has just started may refuse something once. The output then shows what it was.
    if (statuses.some((line) => line.startsWith('error'))) printHistory();
    expect(project.podError).toBeNull();
    const pod = ['get', 'pod', project.podName, '-o'];
    expect(kubectl(...projects, ...pod, 'jsonpath={.spec.containers[*].name}')).toBe(
      'opencode-server file-browser session-proxy',
    );
    expect(kubectl(...projects, ...pod, 'jsonpath={.status.containerStatuses[*].ready}')).toBe('true true true');
    const read = (purpose: 'opencode' | 'sidecar') => readCredential(project.id, purpose);
    credentials = { opencode: read('opencode'), sidecar: read('sidecar') };
    expect(credentials.sidecar.length).toBeGreaterThanOrEqual(32);
    expect(await readFile('README.md')).toBe('Cloned inside the lab.\n');
  });

  it('answers on the three ports of a project only requests that carry its own credential', async () => {
    const ports = [
      [3000, '/session', basic()],
      [3001, '/list', bearer()],
      [3002, '/session', bearer()],
    ] as const;
    for (const [port, path, authorization] of ports) {
      const statuses = [null, `Bearer ${'x'.repeat(43)}`, authorization].map((each) => request(port, path, each));
      expect([port, ...(await Promise.all(statuses)).map(({ status }) => status)]).toEqual([port, 401, 401, 200]);
    }
    expect((await request(3001, '/healthz', null)).status).toBe(200);
  });

  it('creates an OpenCode session in the folder of the repository through the session proxy', async () => {
    const created = await request(3002, '/session', bearer(), {
      method: 'POST',
      body: JSON.stringify({ title: 'From outside' }),
    });
    expect(await created.json()).toMatchObject({ title: 'From outside', directory: '/workspace/project' });
    expect(await (await request(3002, '/session', bearer())).json()).toMatchObject([{ title: 'From outside' }]);
  });

  it('lets only the owner into the project through the gateway', async () => {
    const { token } = await client.trpc.tokens.create.mutate({ name: 'Gateway' });
    const stranger = await (await signIn('user-b')).token();
    expect((await requestGateway(project.id, '/session', token)).body).toContain('From outside');
    for (const each of [null, stranger, 'opm_wrong']) {
      const { status, body } = await requestGateway(project.id, '/session', each);
      expect([status, body]).toEqual([401, expect.not.stringContaining('From outside')]);
    }
  });

  describe('the files of a project in a real container', () => {
    let pod: FilesInPod;
    /** Starts a script in a terminal of OpenCode, and does not wait for its end. */
    async function runInTerminal(script: string): Promise<void> {
      const body = JSON.stringify({ command: 'sh', args: ['-c', script], cwd: '/workspace/project' });
      expect((await request(3002, '/pty', bearer(), { method: 'POST', body })).status).toBe(200);
    }

    beforeAll(() => {
      const { id, podName, workspacePvcName } = project;
      const volume = kubectl(...projects, 'get', 'pvc', workspacePvcName, '-o', 'jsonpath={.spec.volumeName}');
      const folder = kubectl('get', 'pv', volume, '-o', 'jsonpath={.spec.hostPath.path}');
      expect(folder).not.toBe('');
      pod = {
        client,
        id,
        outside: '/workspace/.home/beside',
        run: (script) => execInPodAsync(podName, 'opencode-server', 'sh', '-c', `cd /workspace/project && ${script}`),
        makeDevice: (path) => void execFileSync('mknod', ['-m', '666', join(folder, 'project', path), 'c', '1', '5']),
      };
    });

    it('are browsed, written, uploaded, downloaded, packed, found, moved and deleted', () => checkDailyWork(pod));
    it('lead to nothing else by links, pipes, devices and long names', () => checkRefusals(pod));
    it('lead to nothing else while a folder is replaced with a link', () => checkSwaps(pod, 25));
    it('are listed, 100,000 in a folder', () => checkManyFiles(pod, 100_000));
    it('are read, downloaded and packed while they grow', () => checkGrowingFile(pod, 15));

    it('are reported within a second when the agent or a terminal changes them', async () => {
      for (const delayMs of await checkEditsAreReported(pod, runInTerminal)) expect(delayMs).toBeLessThan(1_000);
    });

    it('show what git says about them', async () => {
      const { id } = project;
      await pod.run('echo more >> README.md && mkdir -p src && echo new > src/new.txt');
      const { branch, files } = await client.files.gitStatus({ id });
      expect([branch, files.map(({ path, status }) => `${path} ${status}`).toSorted()]).toEqual([
        expect.stringMatching(/./),
        expect.arrayContaining(['README.md modified', 'src/new.txt added']),
      ]);
      const diff = await client.files.gitDiff({ id, path: 'README.md' });
      expect(diff.files.map(({ patch }) => patch)).toEqual([expect.stringContaining('+more')]);
      await pod.run('git checkout -q README.md && rm -r src');
    });
  });

  it('keeps files and sessions when a project is stopped and started', async () => {
    execInPod(project.podName, 'opencode-server', 'sh', '-c', 'echo kept > /workspace/project/note.txt');
    await client.projects.stop(project);
    await client.waitFor(project.id, ({ status }) => status === 'stopped', { timeoutMs: 120_000 });
    expect(kubectl(...projects, 'get', 'pods', '-l', `project-id=${project.id}`, '-o', 'name')).toBe('');
    await client.projects.start(project);
    await client.waitFor(project.id, ({ status }) => status === 'ready', { timeoutMs: 120_000 });
    expect(await readFile('note.txt')).toBe('kept\n');
    expect(await (await request(3002, '/session', bearer())).json()).toMatchObject([{ title: 'From outside' }]);
  });

  it('ends OpenCode on SIGTERM within the grace period', async () => {
    execInPod(project.podName, 'opencode-server', 'sh', '-c', 'kill -TERM 1');
    const ended = '{.status.containerStatuses[?(@.name=="opencode-server")].lastState.terminated.exitCode}';
    await vi.waitFor(
      () => expect(kubectl(...projects, 'get', 'pod', project.podName, '-o', `jsonpath=${ended}`)).toBe('143'),
      { timeout: 9_000, interval: 300 },
    );
    await client.waitFor(project.id, ({ status }) => status === 'ready', { timeoutMs: 60_000 });
  });

  it('runs a task with a model of the installation, waits for a permission, and accepts the branch', async () => {
    const { id } = project;
    const document = JSON.stringify({ model: 'lab/fake-1', permission: { bash: 'ask' } });
    await client.config.save({ id, document, rules: '', baseVersion: 0 });
    await client.config.applyNow(id);
    const isApplied = async () =>
      expect((await client.config.get(id)).inUse).toMatchObject({ state: 'running', version: 1, isRead: true });
    await vi.waitFor(isApplied, { timeout: 60_000, interval: 500 });

    const task = await client.tasks.create({ projectId: id, title: 'A task of the lab' });
    const run = await client.runs.start({ taskId: task.id, prompt: 'play:ask', idempotencyKey: 'lab' });
    const expectState = (state: Run['state']) => async () => {
      const current = await client.runs.get(run.id);
      expect([current.state, current.message]).toEqual([state, expect.any(String)]);
      return current;
    };
    const waiting = await vi.waitFor(expectState('waiting-for-answer'), { timeout: 90_000, interval: 500 });
    expect(waiting.pending).toMatchObject([{ type: 'permission', detail: 'echo allowed > permitted.txt' }]);
    const requestId = waiting.pending[0]?.id ?? '';
    await client.runs.answer({ runId: run.id, requestId, answer: { type: 'permission', reply: 'once' } });
    for await (const event of client.runs.output(run.id)) if (event.type === 'ended') break;
    const ended = await vi.waitFor(expectState('succeeded'), 10_000);
    expect(ended.diff).toMatchObject({ files: 1, additions: 1 });
    expect(JSON.stringify(await client.runs.transcript(run.id))).toContain('The command has run.');

    const { headCommit } = (await client.tasks.changes(task.id)) ?? {};
    // On a busy node git may take longer than a caller waits. The answer says that it can be repeated.
    const accept = () => client.tasks.accept({ id: task.id, headCommit: headCommit ?? '' });
    const accepted = await vi.waitFor(accept, { timeout: 60_000, interval: 1_000 });
    expect(accepted).toMatchObject({ outcome: 'accepted', task: { state: 'DONE', branch: null } });
    expect(await readFile('permitted.txt')).toBe('allowed\n');
  });

  it('has the key of the installation in no file and no process of a project whose agent uses it', () => {
    const keys = atob(kubectl(...system, 'get', 'secret', 'opencode-model-keys', '-o', 'jsonpath={.data.keys}'));
    const key = keys.slice(keys.indexOf('=') + 1);
    expect(key.length).toBeGreaterThan(16);
    // Prints the files that contain the text. Files that belong to root, and programs that have ended, cannot be read.
    const search = 'grep --recursive --files-with-matches --fixed-strings -e "$0" /workspace /tmp /proc/[0-9]*/environ';
    for (const container of ['opencode-server', 'file-browser', 'session-proxy']) {
      const find = (text: string) =>
        execInPod(project.podName, container, 'sh', '-c', `${search} 2> /dev/null || true`, text);
      expect([container, find(key)]).toEqual([container, '']);
      expect(find('/llm/lab')).toContain('opencode.json');
    }
  });

  it('loses no command and no status while servers and workers are replaced one by one', async () => {
    const received: string[] = [];
    const watching = new AbortController();
    const watch = (async () => {
      for await (const { id, status } of client.watch(undefined, { signal: watching.signal }))
        received.push(`${id} ${status}`);
    })();
    await vi.waitFor(() => expect(received).toContain(`${project.id} ready`), 10_000);
    kubectl(...system, 'rollout', 'restart', 'deployment/server', 'deployment/gateway', 'deployment/worker');
    const created: Project[] = [];
    for (const name of ['First', 'Second']) {
      const one = await client.projects.create({ name: `${name} ${Date.now()}` });
      created.push(one);
      await client.waitFor(one.id, ({ status }) => status === 'ready', { timeoutMs: 120_000 });
    }
    await waitForPrograms();
    await Promise.all(
      created.map(async ({ id }) => {
        await client.projects.delete(id);
        await client.waitFor(id, ({ status }) => status === 'archived', { timeoutMs: 120_000 });
      }),
    );
    await vi.waitFor(
      () => {
        for (const { id } of created)
          expect(received).toEqual(expect.arrayContaining([`${id} ready`, `${id} archived`]));
      },
      { timeout: 10_000 },
    );
    watching.abort();
    await watch;
    expect(await client.projects.get(project.id)).toMatchObject({ status: 'ready' });
    const { items } = podsSchema.parse(JSON.parse(kubectl(...system, 'get', 'pods', ...programs, '-o', 'json')));
    // Pods of the old revision may still be terminating. They restarted at the installation, before the migrations had run.
    const present = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    expect(present.map(({ status }) => status.containerStatuses[0]?.restartCount)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('deletes the pod, claim, volume and secret of a deleted project', async () => {
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

  it('gives the worker only the rights of its role in the namespace of the projects, and server and gateway none', () => {
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
    expect(can('gateway', 'list', 'pods')).toBe('no');
    // These rights were enough for all tests above.
    const logs = kubectl(...system, 'logs', '-l', 'app.kubernetes.io/component=worker', '--tail=-1');
    expect(logs).not.toMatch(/forbidden/i);
  });
});
