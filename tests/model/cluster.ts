/**
 * The cluster of the small model: the objects of one project, what the API server does with a request, and what happens
 * by itself. The manifests are the real ones, so that names and annotations are those of the product.
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

/** `seen`: the object that the sender had read is still the one of that name; this stands for the uid in a delete. */
export type Request =
  | { kind: 'create-claim' }
  | { kind: 'create-pod'; name: string; generation: number }
  | { kind: 'delete-pod'; observed: boolean }
  | { kind: 'delete-claim'; observed: boolean };

export const emptyCluster: Cluster = { pods: [], claim: null };

/** The pod of the row's name. Without committed names all that is left is to look for any pod of the project. */
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

/** One atomic step of anybody. */
export interface Move {
  name: string;
  row: Row;
  cluster: Cluster;
  /** What happens only so many times. */
  costs?: 'command' | 'mishap' | 'failure' | 'late request';
  /** The object is no longer the one that somebody may have read. */
  gone?: 'pod' | 'claim';
  /** A request that is still on its way although its sender no longer waits for it. */
  late?: Request;
  /** What must never happen, if it has. */
  fault?: string;
}

/** The request by which an effect of the real `decide` is done; `null`: there is none. It has just read what it names. */
export function orderOf(effect: Effect, desired: ProjectRecord): Request | null {
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
      return { kind: effect.kind, observed: true };
    case 'requeue': // the rest of a failed pod is over at once: time is not modelled
    case 'conflict':
    case 'wait':
    case 'settled':
      return null;
  }
}

export interface Answer {
  cluster: Cluster;
  /** `refused`: the name is taken, or its bearer is another object than the one that was read. */
  result: 'done' | 'refused';
  fault?: string;
}

/** What the API server does with a request: at once, and once. */
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
      if (!request.observed && guards.deletesNameTheUid) return { cluster, result: 'refused' };
      const pods = cluster.pods.map((each) => (each === pod ? { ...each, leaving: true } : each));
      const answer = { cluster: { ...cluster, pods }, result: 'done' } as const;
      return request.observed ? answer : { ...answer, fault: 'a pod was deleted that nobody had looked at' };
    }
    case 'delete-claim': {
      if (!cluster.claim) return { cluster, result: 'done' };
      if (!request.observed && guards.deletesNameTheUid) return { cluster, result: 'refused' };
      const answer = { cluster: { ...cluster, claim: { leaving: true } }, result: 'done' } as const;
      if (!request.observed) return { ...answer, fault: 'a volume was deleted that nobody had looked at' };
      return row.desiredState === 'deleted'
        ? answer
        : { ...answer, fault: 'a volume was deleted that its owner had not deleted' };
    }
  }
}

/** What the cluster does by itself, in its own time. */
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
  // A volume stays until the last pod that runs on it is gone.
  if (claim?.leaving && !pods.some(({ condition }) => condition === 'ready')) {
    moves.push({ name: 'the volume is gone', row, cluster: { pods, claim: null }, gone: 'claim' });
  }
  return moves;
}

const settings: PodSettings = {
  installationId: 'installation',
  openCodeImage: 'opencode:1',
  fileBrowserImage: 'files:1',
  sessionProxyImage: 'proxy:1',
  imagePullPolicy: 'IfNotPresent',
  imagePullSecrets: [],
  openCodeResources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m', memory: '256Mi' } },
  workspaceSize: '1Gi',
  workspaceStorageClass: null,
  openCodeConfigMap: null,
};
