/**
 * Watches pods and claims with a client that no fault affects. Reports when two live pods mount one claim (I1), and when a
 * claim is deleted although nobody has deleted its project (I2).
 */

import { setTimeout as delay } from 'node:timers/promises';

import { KubeConfig, Watch, type CoreV1Api, type V1PersistentVolumeClaim, type V1Pod } from '@kubernetes/client-node';

import { projectIdLabel, projectSelector } from '../../src/worker/pods/kube/manifests.ts';
import { namespace } from './cluster.ts';
import type { Violations } from './violations.ts';

export interface ClusterObserver {
  /** Pods that exist and have not ended, by name. */
  livePods(): V1Pod[];
  /** Whether the project has ever had a volume claim. */
  hadClaim(projectId: string): boolean;
  /** The events of the project's objects, one line each. */
  historyOf(projectId: string): string[];
  /** The number of pods so far. */
  podCount(): number;
  stop(): Promise<void>;
}

type Watched = V1Pod | V1PersistentVolumeClaim;

export function observeCluster(options: {
  kubeconfigPath: string;
  api: CoreV1Api;
  violations: Violations;
  nowMs: () => number;
  /** Whether a delete of the project was ever requested. */
  isDeletionRequested: (projectId: string) => boolean;
  /** Called for each change of a pod. */
  onPod: (pod: V1Pod, gone: boolean) => void;
}): ClusterObserver {
  const { api, violations, isDeletionRequested, nowMs } = options;
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(options.kubeconfigPath);
  const stopping = new AbortController();
  const pods = new Map<string, V1Pod>();
  const claims = new Map<string, V1PersistentVolumeClaim>();
  const claimOf = new Map<string, string>();
  const podUids = new Set<string>();
  const histories = new Map<string, string[]>();

  function record(object: Watched, text: string): void {
    const id = projectIdOf(object);
    const line = `${(nowMs() / 1_000).toFixed(1)} s  ${text}`;
    histories.set(id, [...(histories.get(id) ?? []), line]);
  }

  function onPod(pod: V1Pod, gone: boolean): void {
    const uid = uidOf(pod);
    const before = pods.get(uid);
    podUids.add(uid);
    options.onPod(pod, gone);
    if (gone) pods.delete(uid);
    else pods.set(uid, pod);
    const text = `pod ${short(uid)} ${gone ? 'deleted' : describePod(pod)}`;
    if (gone || before === undefined || describePod(before) !== describePod(pod)) record(pod, text);
    for (const claim of claimsIn(pod)) {
      const users = [...pods.values()].filter((one) => isLive(one) && claimsIn(one).includes(claim));
      if (users.length < 2) continue;
      const names = users.map((one) => `${one.metadata?.name} (${short(uidOf(one))}, ${describePod(one)})`);
      violations.report('I1', projectIdOf(pod), `claim ${claim} is mounted by ${names.join(' and ')} at once`);
    }
  }

  function onClaim(claim: V1PersistentVolumeClaim, gone: boolean): void {
    const id = projectIdOf(claim);
    const uid = uidOf(claim);
    const isTerminating = gone || claim.metadata?.deletionTimestamp !== undefined;
    if (gone) claims.delete(uid);
    else claims.set(uid, claim);
    const first = claimOf.get(id);
    if (first === undefined || isTerminating)
      record(claim, `claim ${short(uid)} ${gone ? 'deleted' : isTerminating ? 'terminating' : 'created'}`);
    claimOf.set(id, first ?? uid);
    if (isDeletionRequested(id)) return;
    if (isTerminating) {
      violations.report(
        'I2',
        id,
        `its volume claim ${short(uid)} is being deleted, but nobody has deleted the project`,
      );
    } else if (first !== undefined && first !== uid) {
      violations.report('I2', id, `its volume claim was ${short(first)} and is now ${short(uid)}`);
    }
  }

  /** Lists, then watches from there, then lists again, until the end. */
  async function listAndWatch<T extends Watched>(
    resource: string,
    list: () => Promise<{ metadata?: { resourceVersion?: string }; items: T[] }>,
    held: Map<string, T>,
    onObject: (object: T, gone: boolean) => void,
  ): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const { metadata, items } = await list();
        const shown = new Set(items.map(uidOf));
        for (const [uid, object] of held) if (!shown.has(uid)) onObject(object, true);
        for (const object of items) onObject(object, false);
        await watchFrom(resource, metadata?.resourceVersion ?? '', (type, object) =>
          onObject(object as T, type === 'DELETED'),
        );
      } catch {
        await delay(200); // the API is starting or stopping
      }
    }
  }

  async function watchFrom(
    resource: string,
    resourceVersion: string,
    onEvent: (type: string, object: unknown) => void,
  ): Promise<void> {
    const ended = Promise.withResolvers<void>();
    const watch = await new Watch(kubeConfig).watch(
      `/api/v1/namespaces/${namespace}/${resource}`,
      { labelSelector: projectSelector, resourceVersion },
      (type, object) => {
        if (type === 'ERROR') ended.resolve();
        else if (type !== 'BOOKMARK') onEvent(type, object);
      },
      () => ended.resolve(),
    );
    const stop = () => ended.resolve();
    stopping.signal.addEventListener('abort', stop, { once: true });
    if (stopping.signal.aborted) stop();
    await ended.promise;
    stopping.signal.removeEventListener('abort', stop);
    watch.abort();
  }

  const selected = { namespace, labelSelector: projectSelector };
  const loops = [
    listAndWatch('pods', () => api.listNamespacedPod(selected), pods, onPod),
    listAndWatch('persistentvolumeclaims', () => api.listNamespacedPersistentVolumeClaim(selected), claims, onClaim),
  ];

  return {
    livePods: () => [...pods.values()].filter(isLive).toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)),
    hadClaim: (projectId) => claimOf.has(projectId),
    historyOf: (projectId) => histories.get(projectId) ?? [],
    podCount: () => podUids.size,
    async stop() {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}

/** The pod has not ended. A terminating pod still uses its volume. */
function isLive(pod: V1Pod): boolean {
  return pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed';
}

export function claimsIn(pod: V1Pod): string[] {
  return (pod.spec?.volumes ?? []).flatMap((volume) => volume.persistentVolumeClaim?.claimName ?? []);
}

export function projectIdOf(object: Watched): string {
  return object.metadata?.labels?.[projectIdLabel] ?? '';
}

function uidOf(object: Watched): string {
  return object.metadata?.uid ?? '';
}

function nameOf(object: Watched): string {
  return object.metadata?.name ?? '';
}

function describePod(pod: V1Pod): string {
  const ready = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  const isTerminating = pod.metadata?.deletionTimestamp === undefined ? '' : ', terminating';
  return `${pod.status?.phase ?? 'Pending'}${ready ? ', ready' : ''}${isTerminating}`;
}

function short(uid: string): string {
  return uid.slice(0, 8);
}
