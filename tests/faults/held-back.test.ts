/** Something outside the product holds a project back: the row names it, and who must act. The cluster's clock decides when. */

import { PatchStrategy, setHeaderOptions, type V1Pod, type V1PodSpec } from '@kubernetes/client-node';
import { describe, expect, vi } from 'vitest';

import type { Actor } from '../../src/shared/contract/diagnosis.ts';
import { projectText } from '../support/project-text.ts';
import type { WorkerSystem } from '../support/worker-system.ts';
import { it } from '../support/worker-test.ts';

const namespace = 'opencode';
const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
const minuteMs = 60_000;

/** Waits until the row says a text, and who must act. */
async function expectNamed(system: WorkerSystem, id: string, text: string, actor: Actor = 'administrator') {
  return await vi.waitFor(async () => {
    const project = await system.read(id);
    expect([projectText(project), project.actor]).toEqual([expect.stringContaining(text), actor]);
    return project;
  }, 15_000);
}

describe('fault 40: a finalizer keeps', () => {
  it.for(['pod', 'claim'] as const)(
    'the %s of a deleted project, which is named until it is gone',
    async (kind, { system, cluster }) => {
      system.kubernetes.aheadMs = 2 * minuteMs;
      await system.startWorker();
      const { id, podName, workspacePvcName } = await system.create();
      await system.until(id, { status: 'ready', observedGeneration: 1 });
      const keepFor = (finalizers: string[] | null) => {
        const body = { metadata: { finalizers } };
        return kind === 'pod'
          ? cluster.api.patchNamespacedPod({ name: podName, namespace, body }, merge)
          : cluster.api.patchNamespacedPersistentVolumeClaim({ name: workspacePvcName, namespace, body }, merge);
      };
      await keepFor(['example.com/backup']);
      await system.command(id, 'delete');
      expect(await expectNamed(system, id, 'example.com/backup')).toMatchObject({ status: 'deleting' });
      await keepFor(null);
      await system.until(id, { status: 'archived' });
    },
  );
});

interface ContainerReport {
  name: string;
  image: string;
  imageID: string;
  ready: boolean;
  restartCount: number;
  started: boolean;
  state: object;
}

/** What another program adds to the pod of a project: its part of the spec and of the status. */
interface Addition {
  name: string;
  spec: (pod: V1Pod) => Partial<V1PodSpec>;
  /** Whether our containers have started. Before that, the addition may work for ten minutes before anybody must act. */
  started: boolean;
  containers?: ContainerReport[];
  initContainers?: ContainerReport[];
}

const image = 'registry.example.com/agent:v1';
const unready = (name: string): ContainerReport => ({
  name,
  image,
  imageID: '',
  ready: false,
  restartCount: 0,
  started: true,
  state: { running: { startedAt: new Date().toISOString() } },
});
const waiting = ({ name }: { name: string }): ContainerReport => ({
  ...unready(name),
  started: false,
  state: { waiting: { reason: 'PodInitializing' } },
});

const additions: Record<string, Addition> = {
  'a readiness gate': {
    name: 'example.com/load-balancer',
    spec: () => ({ readinessGates: [{ conditionType: 'example.com/load-balancer' }] }),
    started: true,
  },
  'a container of another program': {
    name: 'mesh-proxy',
    spec: ({ spec }) => ({ containers: [...(spec?.containers ?? []), { name: 'mesh-proxy', image }] }),
    started: true,
    containers: [unready('mesh-proxy')],
  },
  'a native sidecar': {
    name: 'mesh-sidecar',
    spec: ({ spec }) => ({
      initContainers: [{ name: 'mesh-sidecar', image, restartPolicy: 'Always' }, ...(spec?.initContainers ?? [])],
    }),
    started: true,
    initContainers: [unready('mesh-sidecar')],
  },
  'an init container of another program': {
    name: 'agent-injector',
    spec: ({ spec }) => ({ initContainers: [{ name: 'agent-injector', image }, ...(spec?.initContainers ?? [])] }),
    started: false,
    initContainers: [unready('agent-injector')],
  },
};

describe('fault 41: a pod waits for', () => {
  it.for(Object.entries(additions))('%s, which is named', async ([, addition], { system, cluster }) => {
    /** Changes each pod before it is created, as the admission of a cluster may. */
    system.kubernetes.fault = ({ method, path, body }) => {
      if (method !== 'POST' || !path.endsWith('/pods') || body === '') return undefined;
      const pod = JSON.parse(body) as V1Pod; // the worker wrote it
      Object.assign(pod.spec ?? {}, { nodeName: 'elsewhere' }, addition.spec(pod));
      return cluster.api
        .createNamespacedPod({ namespace, body: pod })
        .then((created) => ({ status: 201, body: created }));
    };
    system.kubernetes.aheadMs = 2 * minuteMs;
    // The embedded kubelet leaves the pods of another node alone, so the test reports their status.
    await system.startWorker();
    const { id, podName: name } = await system.create();
    await system.until(id, { podUid: expect.any(String) as string, observedGeneration: 1 });
    const pod = await cluster.api.readNamespacedPod({ name, namespace });
    await cluster.api.patchNamespacedPodStatus({ name, namespace, body: { status: statusWith(addition, pod) } }, merge);
    await expectNamed(system, id, addition.name, addition.started ? 'administrator' : 'nobody');
  });
});

/** The status that a kubelet reports when everything of ours is done, and only the addition is not. */
function statusWith({ name, started, containers = [], initContainers = [] }: Addition, { spec }: V1Pod): object {
  const now = new Date().toISOString();
  const condition = (type: string, isTrue: boolean) => ({
    type,
    status: isTrue ? 'True' : 'False',
    lastTransitionTime: now,
  });
  const isOurs = (each: { name: string }) => each.name !== name;
  const completed = { terminated: { exitCode: 0, reason: 'Completed' } };
  return {
    phase: started ? 'Running' : 'Pending',
    startTime: now,
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', started),
      condition('ContainersReady', started && containers.length + initContainers.length === 0),
      {
        ...condition('Ready', false),
        reason: containers.length > 0 || !started ? 'ContainersNotReady' : 'ReadinessGatesNotReady',
      },
    ],
    containerStatuses: [
      ...(spec?.containers ?? [])
        .filter(isOurs)
        .map((each) => (started ? { ...unready(each.name), ready: true } : waiting(each))),
      ...containers,
    ],
    initContainerStatuses: [
      ...initContainers,
      ...(spec?.initContainers ?? [])
        .filter(isOurs)
        .map((each) => (started ? { ...unready(each.name), ready: true, state: completed } : waiting(each))),
    ],
  };
}
