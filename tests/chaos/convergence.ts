/** Compares rows and cluster with the desired state of each project (I3). */

import { setTimeout as delay } from 'node:timers/promises';

import type { V1PersistentVolumeClaim, V1Pod } from '@kubernetes/client-node';

import { isObserved } from '../../src/shared/contract/commands.ts';
import type { Database } from '../../src/shared/node/db/database.ts';
import { projectRecordSchema, type ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import { projectSelector } from '../../src/worker/pods/kube/manifests.ts';
import { claimsIn, projectIdOf } from './cluster-observer.ts';
import { namespace, type ChaosCluster } from './cluster.ts';

export interface Present {
  records: ProjectRecord[];
  pods: V1Pod[];
  claims: V1PersistentVolumeClaim[];
}

export async function readPresent({ db, cluster }: { db: Database; cluster: ChaosCluster }): Promise<Present> {
  const selected = { namespace, labelSelector: projectSelector };
  const [rows, pods, claims] = await Promise.all([
    db('projects').select('*').orderBy('seq'),
    cluster.api.listNamespacedPod(selected),
    cluster.api.listNamespacedPersistentVolumeClaim(selected),
  ]);
  return { records: rows.map((row) => projectRecordSchema.parse(row)), pods: pods.items, claims: claims.items };
}

/** The differences from the desired state, by project. */
export function divergencesOf(present: Present, hadClaim: (projectId: string) => boolean): Map<string, string> {
  const found = new Map<string, string>();
  for (const record of present.records) {
    const own = (object: V1Pod | V1PersistentVolumeClaim) => projectIdOf(object) === record.id;
    const text = divergenceOf(record, {
      pods: present.pods.filter(own),
      claims: present.claims.filter(own),
      hadClaim: hadClaim(record.id),
    });
    if (text !== null) found.set(record.id, text);
  }
  return found;
}

function divergenceOf(
  record: ProjectRecord,
  { pods, claims, hadClaim }: { pods: V1Pod[]; claims: V1PersistentVolumeClaim[]; hadClaim: boolean },
): string | null {
  const desired = { running: 'ready', stopped: 'stopped', deleted: 'archived' }[record.desiredState];
  const row = `${record.status} (${record.reason}: ${record.message}), generation ${record.observedGeneration} of ${record.generation}`;
  const inCluster = `${count(pods.length, 'pod')}, ${count(claims.length, 'claim')}`;
  const describe = (text: string) => `should be ${desired}, but ${text}. Row: ${row}. Cluster: ${inCluster}.`;

  if (record.status !== desired) return describe(`is ${record.status}`);
  if (!isObserved(record)) return describe('its last command is still pending');
  const [pod] = pods;
  const [claim] = claims;
  if (claim && claim.metadata?.name !== record.workspacePvcName) return describe('its claim has another name');
  if (claims.length > 1) return describe('has several claims');
  switch (record.desiredState) {
    case 'running': {
      if (!pod || pods.length > 1) return describe('has not exactly one pod');
      if (pod.metadata?.uid !== record.podUid) return describe('its row names another pod');
      if (pod.metadata?.deletionTimestamp !== undefined) return describe('its pod is being deleted');
      const ready = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
      if (ready !== true) return describe('its pod is not ready');
      if (!claimsIn(pod).includes(record.workspacePvcName)) return describe('its pod does not mount its claim');
      return claim ? null : describe('its claim is missing');
    }
    case 'stopped':
      if (pod) return describe('has a pod');
      return hadClaim && !claim ? describe('its claim is missing') : null;
    case 'deleted':
      return pod || claim ? describe('its pod or claim is left') : null;
  }
}

/** Waits until nothing diverges. Returns how long that took and which project was the last. */
export async function awaitConvergence(options: {
  read: () => Promise<Present>;
  hadClaim: (projectId: string) => boolean;
  limitMs: number;
}): Promise<{ tookMs: number; projects: number; slowest: string | null; divergences: Map<string, string> }> {
  const { read, hadClaim, limitMs } = options;
  const startedAt = performance.now();
  let slowest: string | null = null;
  for (;;) {
    const present = await read();
    const divergences = divergencesOf(present, hadClaim);
    const tookMs = performance.now() - startedAt;
    if (divergences.size === 0 || tookMs > limitMs) {
      return { tookMs, projects: present.records.length, slowest, divergences };
    }
    const [last] = [...divergences].toReversed();
    slowest = last ? `${last[0]} ${last[1]}` : slowest;
    await delay(200);
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
