/** What to show for a project: a pure function from the row and what is in the cluster to the fields of the status. */
import { explainPod, summarizeContainers } from '../../shared/contract/explain/explain-pod.ts';
import type { KubernetesPod } from '../../shared/contract/kubernetes-pod.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import type { ProjectPatch } from '../../shared/node/db/projects-repository.ts';
import { isOurs, isOutdated, type Actual } from './decide.ts';

/** A pod is given its time to end, and its node some seconds to say that it has. */
const overdueAfterMs = 30_000;

/** @param now an ISO time */
export function derive(record: ProjectRecord, actual: Actual, now: string): ProjectPatch {
  if (record.status === 'archived') return {};
  // Somebody else's object under our name is not what the project does.
  const pod = actual.pod && isOurs(record, actual.pod) ? actual.pod : null;
  const claim = actual.claim && isOurs(record, actual.claim) ? actual.claim : null;
  const observed = {
    phase: pod?.status.phase ?? null,
    containers: pod ? summarizeContainers(pod) : [],
    podUid: pod?.metadata.uid ?? null,
    podCreatedAt: pod ? new Date(pod.metadata.creationTimestamp).toISOString() : null,
  } satisfies ProjectPatch;
  return { ...observed, ...explain(record, { pod, claim }, now) };
}

function explain(record: ProjectRecord, actual: Actual, now: string): ProjectPatch {
  const { pod, claim } = actual;
  const told = record.observedGeneration === record.generation;
  const parked = record.parkedGeneration === record.generation;
  const failure = { reason: record.podErrorCode ?? 'cluster-error', message: record.podError } as const;

  switch (record.desiredState) {
    case 'deleted':
      if (!pod && !claim && told) {
        return {
          status: 'archived',
          deletedAt: now,
          // Nothing of the row changes ever after. Nobody can retry it, and what a late request leaves must not look parked.
          parkedGeneration: null,
          podError: null,
          podErrorCode: null,
          reason: 'archived',
          message: 'The pod and its volume are gone.',
        };
      }
      if (parked) return { status: 'error', ...failure };
      if (record.podError !== null) return { status: 'deleting', ...failure };
      return {
        status: 'deleting',
        reason: 'deleting',
        message: overdueSentence(pod, now) ?? 'The pod and its volume are being removed.',
      };
    case 'stopped':
      if (!pod && told)
        return {
          status: 'stopped',
          reason: 'stopped',
          message: 'The files stay on the volume until it is started again.',
        };
      if (parked) return { status: 'error', ...failure };
      if (record.podError !== null) return { status: 'stopping', ...failure };
      return {
        status: 'stopping',
        reason: 'stopping',
        message: overdueSentence(pod, now) ?? 'The pod is stopping. The files stay on the volume.',
      };
    case 'running': {
      const current = pod && !pod.metadata.deletionTimestamp && !isOutdated(record, pod) ? pod : null;
      const explanation = current ? explainPod({ pod: current, events: [], claim, now: Date.parse(now) }) : null;
      if (explanation?.state === 'ready') return { status: 'ready', reason: 'ready', message: explanation.sentence };
      if (parked) return { status: 'error', ...failure };
      // Before the failure of an attempt: it may well have made this pod and lost the answer.
      if (explanation) {
        const goesOn = explanation.state === 'starting' || explanation.actor === 'nobody';
        const status = goesOn ? 'initializing' : 'error';
        return { status, reason: explanation.reason, message: explanation.sentence };
      }
      if (record.podError !== null) return { status: 'initializing', ...failure };
      if (pod) {
        return {
          status: 'initializing',
          reason: 'stopping',
          message: overdueSentence(pod, now) ?? 'The old pod is stopping; a new one starts as soon as it is gone.',
        };
      }
      return told
        ? { status: 'initializing', reason: 'pod-gone', message: 'The pod is gone; a new one is being started.' }
        : { status: 'initializing', reason: 'queued', message: 'Waiting for a worker to start the pod.' };
    }
  }
}

/**
 * What to say of a pod that should have ended and has not, or `null`. It cannot be replaced before: only its node can say
 * that it no longer writes to the volume.
 */
function overdueSentence(pod: KubernetesPod | null, now: string): string | null {
  const due = pod?.metadata.deletionTimestamp; // the time at which it should be gone
  if (!due || Date.parse(now) - Date.parse(due) < overdueAfterMs) return null;
  return 'The pod should have ended and has not; its node may no longer answer. An administrator must look at the node. It goes on by itself as soon as the pod is gone.';
}
