/** What to show for a project: a pure function from the row and what is in the cluster to the fields of the status. */
import { explainPod, summarizeContainers } from '../../shared/contract/explain-pod.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import type { ProjectPatch } from '../../shared/node/db/projects-repository.ts';
import { isOutdated, type Actual } from './decide.ts';

/** @param now an ISO time, for `deletedAt` */
export function derive(record: ProjectRecord, actual: Actual, now: string): ProjectPatch {
  if (record.status === 'archived') return {};
  const { pod } = actual;
  const observed = {
    phase: pod?.status.phase ?? null,
    containers: pod ? summarizeContainers(pod) : [],
    podUid: pod?.metadata.uid ?? null,
    podCreatedAt: pod ? new Date(pod.metadata.creationTimestamp).toISOString() : null,
  } satisfies ProjectPatch;
  return { ...observed, ...explain(record, actual, now) };
}

function explain(record: ProjectRecord, actual: Actual, now: string): ProjectPatch {
  const { pod, claim } = actual;
  const told = record.observedGeneration === record.generation;
  const parked = record.parkedGeneration === record.generation;
  const failure = { reason: record.podErrorCode ?? 'cluster-error', message: record.podError } as const;

  switch (record.desiredState) {
    case 'deleted':
      if (!pod && !claim && told) {
        return { status: 'archived', deletedAt: now, reason: 'archived', message: 'The pod and its volume are gone.' };
      }
      if (parked) return { status: 'error', ...failure };
      if (record.podError !== null) return { status: 'deleting', ...failure };
      return { status: 'deleting', reason: 'deleting', message: 'The pod and its volume are being removed.' };
    case 'stopped':
      if (!pod && told)
        return {
          status: 'stopped',
          reason: 'stopped',
          message: 'The files stay on the volume until it is started again.',
        };
      if (parked) return { status: 'error', ...failure };
      if (record.podError !== null) return { status: 'stopping', ...failure };
      return { status: 'stopping', reason: 'stopping', message: 'The pod is stopping. The files stay on the volume.' };
    case 'running': {
      const current = pod && !pod.metadata.deletionTimestamp && !isOutdated(record, pod) ? pod : null;
      const explanation = current ? explainPod(current) : null;
      if (explanation?.state === 'ready') return { status: 'ready', reason: 'ready', message: explanation.sentence };
      if (parked) return { status: 'error', ...failure };
      // Before the failure of an attempt: it may well have made this pod and lost the answer.
      if (explanation) {
        const status = explanation.state === 'starting' ? 'initializing' : 'error';
        return { status, reason: explanation.reason, message: explanation.sentence };
      }
      if (record.podError !== null) return { status: 'initializing', ...failure };
      if (pod) {
        return {
          status: 'initializing',
          reason: 'stopping',
          message: 'The old pod is stopping; a new one starts as soon as it is gone.',
        };
      }
      return told
        ? { status: 'initializing', reason: 'pod-gone', message: 'The pod is gone; a new one is being started.' }
        : { status: 'initializing', reason: 'queued', message: 'Waiting for a worker to start the pod.' };
    }
  }
}
