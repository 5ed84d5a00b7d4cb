/**
 * POD_TEMPLATE on fake nodes: a real scheduler and a real admission decide where pods may run. The product runs beside the cluster, as
 * `npm start` with a KUBECONFIG.
 */

import { execFileSync } from 'node:child_process';
import process from 'node:process';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';

import type { Client, Project } from '../../src/shared/sdk/client.ts';
import { projectText } from '../support/project-text.ts';
import { createSdkClient } from '../support/sdk-client.ts';
import { createDataDir, startSystem, type StartedSystem } from '../support/started-system.ts';
import { kubectl, kubectlApply, projects } from './cluster.ts';

const { KUBECONFIG: kubeconfig = '', LAB: lab = '' } = process.env;
const { dataDir, remove } = createDataDir();
const waiting = { timeout: 60_000, interval: 500 };
const nodes = ['fake-0', 'fake-1', 'fake-2', 'fake-3'] as const;
const zoneOf = (node: string) => (nodes.slice(0, 2).some((one) => one === node) ? 'a' : 'b');

const template = `
metadata:
  labels: { example.com/cost-center: research }
  annotations: { cluster-autoscaler.kubernetes.io/safe-to-evict: "false" }
spec:
  priorityClassName: workspaces
  nodeSelector: { example.com/pool: workspaces }
  tolerations: [{ key: fake, operator: Exists, effect: NoSchedule }]
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
          - matchExpressions: [{ key: kubernetes.io/hostname, operator: NotIn, values: [fake-0] }]
  topologySpreadConstraints:
    - { maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule }
`;

let system: StartedSystem;
let client: Client;
let created: Project[];

beforeAll(async () => {
  execFileSync(lab, ['fake-nodes', String(nodes.length)], { stdio: 'ignore' });
  for (const node of nodes) {
    kubectl('label', 'node', node, 'example.com/pool=workspaces', `topology.kubernetes.io/zone=${zoneOf(node)}`);
  }
  createPriorityClass();
  if (kubectl('get', 'namespace', 'opencode', '--ignore-not-found', '-o', 'name') === '')
    kubectl('create', 'namespace', 'opencode');
  system = await startSystem({ dataDir, env: { KUBECONFIG: kubeconfig, POD_TEMPLATE: template } });
  client = await createSdkClient(system, 'user-a');
  const names = ['one', 'two', 'three', 'four'];
  created = await Promise.all(names.map((name) => client.projects.create({ name })));
  await Promise.all(created.map(untilReady));
});
afterAll(async () => {
  for (const { id } of created ?? []) await client.projects.delete(id);
  for (const { id } of created ?? [])
    await client.waitFor(id, ({ status }) => status === 'archived', { timeoutMs: 120_000 });
  await client?.close();
  await system?.end('SIGTERM');
  remove();
  kubectl('delete', 'node', ...nodes);
  kubectl('delete', 'priorityclass', 'workspaces', '--ignore-not-found');
});

const createPriorityClass = () =>
  kubectlApply([
    {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name: 'workspaces' },
      value: 1_000,
      description: 'Pods of projects.',
    },
  ]);

const podSchema = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()), annotations: z.record(z.string(), z.string()) }),
  spec: z.object({ nodeName: z.string(), priority: z.number() }),
});
const readPod = ({ podName }: Project) =>
  podSchema.parse(JSON.parse(kubectl(...projects, 'get', 'pod', podName, '-o', 'json')));

const untilReady = ({ id }: Project) => client.waitFor(id, ({ status }) => status === 'ready', { timeoutMs: 120_000 });

/** Waits until the project is not ready and its text matches. */
function untilText({ id }: Project, text: RegExp): Promise<Project> {
  return vi.waitFor(async () => {
    const current = await client.projects.get(id);
    expect([current.status, projectText(current)]).toEqual([
      expect.not.stringMatching(/^ready$/),
      expect.stringMatching(text),
    ]);
    return current;
  }, waiting);
}

describe('a pod of a project, with a POD_TEMPLATE', () => {
  it('runs only on tolerated nodes of the pool, spread over the zones, with class, labels and annotations', () => {
    const pods = created.map(readPod);
    expect(pods.map(({ spec }) => zoneOf(spec.nodeName)).toSorted()).toEqual(['a', 'a', 'b', 'b']);
    for (const { spec, metadata } of pods) {
      expect(nodes.slice(1)).toContain(spec.nodeName);
      expect(spec.priority).toBe(1_000);
      expect(metadata.labels).toMatchObject({
        'example.com/cost-center': 'research',
        app: expect.any(String) as string,
      });
      expect(metadata.annotations).toMatchObject({ 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' });
    }
  });

  it('says that no node fits when the pool is empty, and starts when a node joins it', async () => {
    const [project] = created;
    if (!project) throw new Error('There is no project.');
    for (const node of nodes) kubectl('label', 'node', node, 'example.com/pool-');
    await client.projects.restart(project.id);
    expect(await untilText(project, /node/i)).toMatchObject({ actor: 'administrator' });
    for (const node of nodes) kubectl('label', 'node', node, 'example.com/pool=workspaces');
    await untilReady(project);
  });

  it('says that its priority class does not exist, and starts when it does and somebody retries', async () => {
    const project = created[1];
    if (!project) throw new Error('There is no project.');
    kubectl('delete', 'priorityclass', 'workspaces');
    await client.projects.restart(project.id);
    expect(await untilText(project, /workspaces/)).toMatchObject({ actor: 'administrator' });
    createPriorityClass();
    await client.projects.retry(project.id);
    await untilReady(project);
  });
});
