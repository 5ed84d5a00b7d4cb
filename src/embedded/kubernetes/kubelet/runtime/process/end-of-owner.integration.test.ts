import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, vi } from 'vitest';

import {
  addressOfPod,
  ask,
  clusterProgram,
  connectTo,
  containerStatus,
  descendantsOf,
  isListening,
  podsOf,
  startTimeoutMs,
  titled,
  whyNot,
} from '../../../../../../tests/support/process-pods.ts';
import { isAlive } from '../../../../process/process-info.ts';
import { valueAt } from '../../../api/kube-object.ts';

/** Starts the embedded Kubernetes in a process of its own, which can be killed. */
async function startOwner(dataDir: string): Promise<ChildProcess & { pid: number }> {
  const args = ['--input-type=module', '--eval', clusterProgram(dataDir)];
  const owner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(owner.stdout, 'data');
  // A process that has written something has an id.
  return owner as typeof owner & { pid: number };
}

async function kill(owner: ChildProcess): Promise<void> {
  if (owner.signalCode !== null) return;
  const ended = once(owner, 'exit');
  owner.kill('SIGKILL');
  await ended;
}

const reason = await whyNot('process');

// The same with sandboxes is in tests/integration/npm-start-killed.test.ts.
describe.runIf(reason === null)(titled('kill -9 of the process that runs pods (plain processes)', reason), () => {
  it(
    'leaves no process, and the next start finds the pod with its files and OpenCode sessions',
    async ({ onTestFinished }) => {
      const dataDir = await mkdtemp(join(tmpdir(), 'end-of-owner-'));
      onTestFinished(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
      const first = await startOwner(dataDir);
      onTestFinished(() => kill(first));
      const client = await connectTo(dataDir);
      onTestFinished(() => client.close());
      const pods = podsOf(client);
      const project = await pods.createProject('one');
      const pod = await pods.waitUntilReady(project.name);
      const folder = join(dataDir, 'volumes', project.claimUid, 'project');
      const sessions = `3002/session?directory=${encodeURIComponent(folder)}`;
      const { sidecar } = project.credentials;
      const created = await ask(pod, sessions, sidecar, { method: 'POST', body: JSON.stringify({ title: 'Kept' }) });
      const session = (await created.json()) as { id: string };
      // As the agent's shell does it: a process of its own session, which nobody waits for.
      await pods.createScript(
        'detached',
        'cd "${WORKSPACE:-/workspace}/project"; setsid sh -c "echo detached > kept.txt; exec sleep 1234" & sleep 5678',
        project.claimName,
      );
      await vi.waitFor(async () => expect(await readFile(join(folder, 'kept.txt'), 'utf8')).toContain('detached'), {
        timeout: 30_000,
      });
      const processes = descendantsOf(first.pid);
      const commands = processes.map(({ command }) => command).join('\n');
      for (const part of ['opencode serve', 'session-proxy', 'sleep 1234', 'sleep 5678'])
        expect(commands).toContain(part);

      await kill(first);
      await vi.waitFor(() => expect(processes.filter(({ pid }) => isAlive(pid))).toEqual([]), { timeout: 15_000 });
      for (const port of [3000, 3001, 3002]) expect(await isListening(addressOfPod(pod), port)).toBe(false);

      const second = await startOwner(dataDir);
      onTestFinished(() => kill(second));
      const again = podsOf(await connectTo(dataDir));
      const restarted = await again.waitUntilReady(project.name, 1);
      expect(addressOfPod(restarted)).toBe(addressOfPod(pod));
      expect(valueAt(restarted, 'metadata', 'uid')).toBe(valueAt(pod, 'metadata', 'uid'));
      expect(containerStatus(restarted, 'opencode-server')).toMatchObject({
        restartCount: 1,
        lastState: { terminated: { exitCode: 255, reason: 'Unknown' } },
      });
      expect(valueAt(restarted, 'status', 'initContainerStatuses')).toMatchObject([
        { state: { terminated: { message: 'kept' } } },
      ]);
      expect(await (await ask(restarted, sessions, sidecar)).json()).toMatchObject([{ id: session.id, title: 'Kept' }]);
      expect(readdirSync(folder)).toContain('kept.txt');
      await kill(second);
    },
    3 * startTimeoutMs,
  );
});
