/**
 * The cluster of the small model: the objects of one project, what the API server does with a request, and what happens
 * without a request. The manifests are the real ones, so that names and annotations are those of the product.
 */

import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import { generationAnnotation, podManifest, type PodSettings } from '../../src/worker/pods/kube/manifests.ts';
import type { Actual, Effect } from '../../src/worker/pods/reconcile/decide.ts';
import { claimOf, podOf } from './fixtures.ts';
import { recordFrom, type Guards, type Row } from './row.ts';

export interface PodObject {
  name: string;
  generation: number;
  condition: 'pending' | 'ready' | 'failed';
  leaving: boolean;
}
export interface Cluster {
  pods: readonly PodObject[];
  claim: { leaving: boolean } | null;
}

/** `current`: the object that the sender read still has that name. It stands for the uid in a delete request. */
export type Request =
  | { kind: 'create-claim' }
  | { kind: 'create-pod'; name: string; generation: number }
  | { kind: 'delete-pod'; current: boolean }
  | { kind: 'delete-claim'; current: boolean };

export const emptyCluster: Cluster = { pods: [], claim: null };

/** The pod with the name in the row. Without committed names it could only be any pod of the project. */
export function podNamed(row: Pick<Row, 'desiredState' | 'generation' | 'podGeneration'>, cluster: Cluster) {
  const { podName } = recordFrom(row);
  return cluster.pods.find(({ name }) => name === podName) ?? cluster.pods[0] ?? null;
}

export function actualIn(row: Row, cluster: Cluster): Actual {
  const pod = podNamed(row, cluster);
  return { pod: pod && kubernetesPodFrom(pod), claim: cluster.claim && claimOf(cluster.claim) };
}

const phases = { pending: 'Pending', ready: 'Running', failed: 'Failed' } as const;

export function kubernetesPodFrom({ generation, condition, leaving }: Omit<PodObject, 'name'>) {
  return podOf({ generation, leaving, phase: phases[condition], ready: condition === 'ready' });
}

/** One atomic step of anyone. */
export interface Move {
  name: string;
  row: Row;
  cluster: Cluster;
  /** It may happen only a limited number of times. */
  costs?: 'command' | 'mishap' | 'failure' | 'late request';
  /** An object is gone, so it is no longer the one that an executor may have read. */
  gone?: 'pod' | 'claim';
  /** A request that is still on its way when its sender no longer waits for it. */
  late?: Request;
  /** What must never happen, if it happened. */
  fault?: string;
}

/** The request of an effect of the real `decide`, or `null`. The sender has just read the object. */
export function requestOf(effect: Effect, desired: ProjectRecord): Request | null {
  switch (effect.kind) {
    case 'create-claim':
      return { kind: 'create-claim' };
    case 'create-pod': {
      const { metadata } = podManifest(desired, settings);
      return {
        kind: 'create-pod',
        name: metadata?.name ?? '',
        generation: Number(metadata?.annotations?.[generationAnnotation]),
      };
    }
    case 'delete-pod':
    case 'delete-claim':
      return { kind: effect.kind, current: true };
    case 'requeue': // time is not modelled: a failed pod is replaced immediately
    case 'conflict':
    case 'wait':
    case 'settled':
      return null;
  }
}

export interface Answer {
  cluster: Cluster;
  /** `refused`: the name is taken, or the object of that name is another one than was read. */
  result: 'done' | 'refused';
  fault?: string;
}

/** What the API server does with a request: immediately, and once. */
export function serve(request: Request, row: Row, cluster: Cluster, guards: Guards): Answer {
  const pod = podNamed(row, cluster);
  switch (request.kind) {
    case 'create-claim':
      if (cluster.claim) return { cluster, result: 'refused' };
      return { cluster: { ...cluster, claim: { leaving: false } }, result: 'done' };
    case 'create-pod': {
      const { generation } = request;
      const name = guards.podNameIsCommitted ? request.name : `drawn-${cluster.pods.length}`;
      if (cluster.pods.some((other) => other.name === name)) return { cluster, result: 'refused' };
      const pods = [...cluster.pods, { name, generation, condition: 'pending' as const, leaving: false }];
      return { cluster: { ...cluster, pods }, result: 'done' };
    }
    case 'delete-pod': {
      if (!pod) return { cluster, result: 'done' };
      if (!request.current && guards.deletesNameTheUid) return { cluster, result: 'refused' };
      const pods = cluster.pods.map((each) => (each === pod ? { ...each, leaving: true } : each));
      const answer = { cluster: { ...cluster, pods }, result: 'done' } as const;
      return request.current ? answer : { ...answer, fault: 'a pod was deleted that no executor had read' };
    }
    case 'delete-claim': {
      if (!cluster.claim) return { cluster, result: 'done' };
      if (!request.current && guards.deletesNameTheUid) return { cluster, result: 'refused' };
      const answer = { cluster: { ...cluster, claim: { leaving: true } }, result: 'done' } as const;
      if (!request.current) return { ...answer, fault: 'a volume was deleted that no executor had read' };
      return row.desiredState === 'deleted'
        ? answer
        : { ...answer, fault: 'a volume was deleted although its project was not' };
    }
  }
}

/** What the cluster does without a request, at any time. */
export function clusterMoves(row: Row, cluster: Cluster): Move[] {
  const { pods, claim } = cluster;
  const moves: Move[] = [];
  for (const pod of pods) {
    if (pod.leaving) {
      const others = pods.filter((each) => each !== pod);
      moves.push({ name: 'the pod is gone', row, cluster: { pods: others, claim }, gone: 'pod' });
    } else if (pod.condition === 'pending' && claim && !claim.leaving) {
      const started = { ...pod, condition: 'ready' as const };
      moves.push({
        name: 'the pod becomes ready',
        row,
        cluster: { pods: pods.map((each) => (each === pod ? started : each)), claim },
      });
    }
  }
  // A volume stays until no pod uses it.
  if (claim?.leaving && !pods.some(({ condition }) => condition === 'ready')) {
    moves.push({ name: 'the volume is gone', row, cluster: { pods, claim: null }, gone: 'claim' });
  }
  return moves;
}

const settings: PodSettings = {
  installationId: 'installation',
  accessKeyId: '00000000',
  openCodeImage: 'opencode:1',
  fileBrowserImage: 'files:1',
  sessionProxyImage: 'proxy:1',
  imagePullPolicy: 'IfNotPresent',
  imagePullSecrets: [],
  openCodeResources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m', memory: '256Mi' } },
  workspaceSize: '1Gi',
  sizes: [],
  workspaceStorageClass: null,
  openCodeConfigMap: null,
  gitCaConfigMap: null,
  modelBrokerUrl: null,
  podTemplate: null,
};
