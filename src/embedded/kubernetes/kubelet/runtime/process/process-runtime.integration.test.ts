import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import {
  addressOfPod,
  ask,
  containerStatus,
  descendantsOf,
  isListening,
  startProcessCluster,
  startTimeoutMs,
  titled,
  whyNot,
  type ProcessCluster,
} from '../../../../../../tests/support/process-pods.ts';
import { isAlive } from '../../../../process/process-info.ts';
import { textAt, valueAt, type JsonObject } from '../../../api/kube-object.ts';

const reason = await whyNot('sandbox');

describe.runIf(reason === null)(
  titled('the pod of a project, as sandboxed processes', reason),
  { timeout: 90_000 },
  () => {
    let dataDir = '';
    let cluster: ProcessCluster;
    let project: Awaited<ReturnType<ProcessCluster['createProject']>>;
    let pod: JsonObject;

    beforeAll(async () => {
      dataDir = await mkdtemp(join(tmpdir(), 'process-runtime-'));
      cluster = await startProcessCluster(dataDir);
      project = await cluster.createProject('one');
      pod = await cluster.waitUntilReady(project.name);
    }, startTimeoutMs);

    afterAll(async () => {
      await cluster.stop();
      await rm(dataDir, { recursive: true, force: true });
    });

    it('gets ready after its init container, and answers on an address of its own', async () => {
      expect(addressOfPod(pod)).toMatch(/^127\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./);
      expect(textAt(pod, 'status', 'phase')).toBe('Running');
      expect(valueAt(pod, 'status', 'initContainerStatuses')).toMatchObject([
        { ready: true, state: { terminated: { exitCode: 0, reason: 'Completed', message: 'created' } } },
      ]);
      const { sidecar } = project.credentials;
      expect(await (await ask(pod, '3001/list?path=/', sidecar)).json()).toMatchObject({ entries: [{ name: '.git' }] });
      expect(await (await ask(pod, '3002/global/health', sidecar)).json()).toMatchObject({ healthy: true });
      expect((await ask(pod, '3002/global/health', 'wrong')).status).toBe(401);
      expect(await cluster.events()).toEqual(
        expect.arrayContaining([
          'Created: Created container: opencode-server',
          'Started: Started container file-browser',
        ]),
      );
    });

    it('shows one working folder to OpenCode and to the file browser', async () => {
      await writeFile(join(dataDir, 'volumes', project.claimUid, 'project', 'hello.txt'), 'Hello');
      const { sidecar } = project.credentials;
      expect(await (await ask(pod, '3001/list?path=/', sidecar)).text()).toContain('hello.txt');
      const path = await (await ask(pod, '3002/path?directory=/workspace/project', sidecar)).json();
      expect(path).toMatchObject({ home: '/workspace/.home', directory: '/workspace/project' });
    });

    it('has logs for each container, also while they are followed', async () => {
      expect(await cluster.followUntil(project.name, 'opencode-server', 'listening on')).toContain(addressOfPod(pod));
      expect(await cluster.log(project.name, { container: 'file-browser', timestamps: 'true' })).toEqual([
        expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z The file browser listens on 3001\.$/),
      ]);
      expect(await cluster.log(project.name, { container: 'prepare-workspace' })).toEqual([]);
    });

    it('starts a container again that was killed, and keeps the log of its previous run', async () => {
      const sidecar = descendantsOf(process.pid).filter(({ command }) =>
        /^\S*node \S+file-browser\/main\.ts/.test(command),
      );
      expect(sidecar).toHaveLength(1);
      process.kill(sidecar[0]?.pid ?? 0, 'SIGKILL');
      const status = await vi.waitFor(
        async () => {
          const found = containerStatus(await cluster.get(project.name), 'file-browser');
          expect(found).toMatchObject({ ready: true, restartCount: 1 });
          return found;
        },
        { timeout: startTimeoutMs },
      );
      expect(status).toMatchObject({ lastState: { terminated: { exitCode: 137, reason: 'Error' } } });
      const query = { container: 'file-browser' };
      for (const previous of ['true', 'false']) {
        expect(await cluster.log(project.name, { ...query, previous })).toEqual(['The file browser listens on 3001.']);
      }
      expect(containerStatus(await cluster.get(project.name), 'opencode-server')).toMatchObject({ restartCount: 0 });
    });

    it('leaves no process, log, secret or address after its deletion, and no file after that of its claim', async () => {
      const before = descendantsOf(process.pid).filter(({ command }) => command.includes('/image/'));
      expect(before.length).toBeGreaterThanOrEqual(3);
      const uid = textAt(pod, 'metadata', 'uid');
      expect(existsSync(join(dataDir, 'logs', uid))).toBe(true);
      await cluster.remove('pods', project.name);
      await vi.waitFor(async () => expect(await cluster.isGone('pods', project.name)).toBe(true), { timeout: 30_000 });
      expect(before.filter(({ pid }) => isAlive(pid))).toEqual([]);
      for (const port of [3000, 3001, 3002]) expect(await isListening(addressOfPod(pod), port)).toBe(false);
      await vi.waitFor(() => {
        expect(existsSync(join(dataDir, 'logs', uid))).toBe(false);
        expect(existsSync(join(dataDir, 'pods', uid))).toBe(false);
      }, 10_000);
      const volume = join(dataDir, 'volumes', project.claimUid);
      expect(existsSync(join(volume, 'project', 'hello.txt'))).toBe(true);
      await cluster.remove('persistentvolumeclaims', project.claimName);
      await vi.waitFor(() => expect(existsSync(volume)).toBe(false), { timeout: 10_000 });
    });
  },
);
