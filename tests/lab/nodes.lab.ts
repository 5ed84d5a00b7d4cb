/**
 * Fault 45 on a real kubelet: the node is drained, rebooted or deleted, or its container runtime is killed. The product runs beside
 * the cluster, as `npm start` with a KUBECONFIG, because its own pods would fail with the only node.
 */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Client, Project } from '../../src/shared/sdk/client.ts';
import { projectText } from '../support/project-text.ts';
import { createSdkClient } from '../support/sdk-client.ts';
import { createDataDir, startSystem, type StartedSystem } from '../support/started-system.ts';
import { diagnostics, kubectl, projects } from './cluster.ts';

const { KUBECONFIG: kubeconfig = '', LAB: lab = '', LAB_DIR: labDir = '' } = process.env;
const { dataDir, remove } = createDataDir();
const onNode = { timeout: 120_000, interval: 500 };

let system: StartedSystem;
let client: Client;
let project: Project;
let node: string;
let claimUid: string;

beforeAll(async () => {
  node = kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}');
  if (kubectl('get', 'namespace', 'opencode', '--ignore-not-found', '-o', 'name') === '')
    kubectl('create', 'namespace', 'opencode');
  system = await startSystem({ dataDir, env: { KUBECONFIG: kubeconfig } });
  client = await createSdkClient(system, 'user-a');
  project = await client.projects.create({ name: 'On a node' });
  await untilReady();
  claimUid = kubectl(...projects, 'get', 'pvc', project.workspacePvcName, '-o', 'jsonpath={.metadata.uid}');
});
afterAll(async () => {
  await client?.projects.delete(project.id);
  await client?.waitFor(project.id, ({ status }) => status === 'archived', { timeoutMs: 120_000 });
  await client?.close();
  await system?.end('SIGTERM');
  remove();
});
beforeEach(untilReady);

/** Waits until the row says so, and until Kubernetes agrees. */
async function untilReady(): Promise<void> {
  try {
    await client.waitFor(project.id, ({ status }) => status === 'ready', { timeoutMs: 240_000 });
    await vi.waitFor(() => expect(readyPods()).toEqual(['True']), onNode);
  } catch (error) {
    process.stdout.write(`${JSON.stringify(await client.projects.get(project.id))}\n${diagnostics()}\n`);
    throw error;
  }
}

function readyPods(): string[] {
  const ready = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
  return kubectl(...projects, 'get', 'pods', '-l', `project-id=${project.id}`, '-o', `jsonpath=${ready}`)
    .trim()
    .split('\n');
}

/** Waits until the row has left the status ready and its text matches. */
async function untilNamed(text: RegExp): Promise<Project> {
  return await vi.waitFor(async () => {
    const current = await client.projects.get(project.id);
    expect([current.status, projectText(current)]).toEqual([
      expect.not.stringMatching(/^ready$/),
      expect.stringMatching(text),
    ]);
    return current;
  }, onNode);
}

async function expectOnePodOnTheSameClaim(): Promise<void> {
  await untilReady();
  expect(kubectl(...projects, 'get', 'pvc', project.workspacePvcName, '-o', 'jsonpath={.metadata.uid}')).toBe(claimUid);
}

const pidOf = (daemon: string) => Number(readFileSync(join(labDir, 'state/pids', daemon), 'utf8').split(' ')[0]);
const kill = (daemon: string) => process.kill(pidOf(daemon), 'SIGKILL');
/** Starts every daemon of the cluster that does not run. */
const startDaemons = () => execFileSync(lab, ['up'], { stdio: 'ignore' });

/** Ends every process in a container, as a loss of power does. */
function killContainers(): void {
  const root = '/sys/fs/cgroup/pids/kubepods';
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (entry.name !== 'cgroup.procs') continue;
    for (const pid of readFileSync(join(entry.parentPath, entry.name), 'utf8').split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

describe('fault 45: the node of a running pod', () => {
  it('is drained: the new pod says what it waits for, and starts when the node accepts pods again', async () => {
    const podUid = kubectl(...projects, 'get', 'pod', project.podName, '-o', 'jsonpath={.metadata.uid}');
    const selector = `--pod-selector=project-id=${project.id}`;
    kubectl('drain', node, selector, '--force', '--delete-emptydir-data', '--timeout=120s');
    expect(await untilNamed(/no new pods|cordon|unschedulable/i)).toMatchObject({ actor: 'administrator' });
    kubectl('uncordon', node);
    await expectOnePodOnTheSameClaim();
    expect(kubectl(...projects, 'get', 'pod', project.podName, '-o', 'jsonpath={.metadata.uid}')).not.toBe(podUid);
  });

  it('loses its container runtime: the project goes on, a stop says what it waits for, and continues with the runtime', async () => {
    kill('containerd');
    const isReady = '{.status.conditions[?(@.type=="Ready")].status}';
    await vi.waitFor(() => expect(kubectl('get', 'node', node, '-o', `jsonpath=${isReady}`)).not.toBe('True'), onNode);
    // Containers run without their runtime, and Kubernetes still calls the pod ready.
    expect(await client.projects.get(project.id)).toMatchObject({ status: 'ready' });
    await client.projects.stop(project);
    expect(await untilNamed(/node/i)).toMatchObject({ status: 'stopping' });
    startDaemons();
    await client.waitFor(project.id, ({ status }) => status === 'stopped', { timeoutMs: 120_000 });
    await client.projects.start(project);
    await expectOnePodOnTheSameClaim();
  });

  it('is rebooted: the pod starts again by itself', async () => {
    kill('kubelet');
    kill('containerd');
    killContainers();
    startDaemons();
    await vi.waitFor(() => {
      const restarts = '{.status.containerStatuses[*].restartCount}';
      expect(kubectl(...projects, 'get', 'pod', project.podName, '-o', `jsonpath=${restarts}`)).toMatch(/[1-9]/);
    }, onNode);
    await expectOnePodOnTheSameClaim();
  });

  it('is deleted: the new pod says that there is no node, and starts when there is one', async () => {
    kubectl('delete', 'node', node);
    await untilNamed(/no node/i);
    kill('kubelet');
    startDaemons();
    await expectOnePodOnTheSameClaim();
  });
});
