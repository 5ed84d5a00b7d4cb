/** What to show for a project: a pure function from the row and what is in the cluster to the fields of the status. */

import type { StartProgress } from '../../../shared/contract/diagnosis.ts';
import type { ReasonCode } from '../../../shared/contract/reasons.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import type { ProjectPatch } from '../../../shared/node/db/projects-repository.ts';
import { diagnosePod } from '../diagnosis/diagnose-pod.ts';
import type { Diagnosis } from '../diagnosis/diagnosis.ts';
import { diagnoseGone } from '../diagnosis/gone-pods.ts';
import { startProgress } from '../diagnosis/start-progress.ts';
import { summarizeContainers } from '../diagnosis/summarize-containers.ts';
import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { isOurs, isOutdated, type Actual } from '../reconcile/decide.ts';
import { attemptOf, failureFields, steadyEvidence, withReasonSince } from './status-fields.ts';

/** What the watch knows of a project; a read of the cluster comes without events. */
export interface ObservedState extends Actual {
  /** Of the pod and of the claim. */
  events?: KubernetesEvent[];
}

export interface Derived {
  patch: ProjectPatch;
  /** When time alone changes what is to be said, as an ISO time. */
  recheckAt: string | null;
}

type Words = ProjectPatch & { since?: string | null; recheckAt?: string | null };

/** @param now an ISO time */
export function derive(record: ProjectRecord, observed: ObservedState, now: string): Derived {
  if (record.status === 'archived') return { patch: {}, recheckAt: null };
  // Somebody else's object under our name is not what the project does.
  const pod = observed.pod && isOurs(record, observed.pod) ? observed.pod : null;
  const claim = observed.claim && isOurs(record, observed.claim) ? observed.claim : null;
  const events = observed.events ?? [];
  const own = { pod, claim, events };
  const facts = {
    phase: pod?.status.phase ?? null,
    containers: pod ? summarizeContainers(pod) : [],
    podUid: pod?.metadata.uid ?? null,
    podCreatedAt: pod ? new Date(pod.metadata.creationTimestamp).toISOString() : null,
  } satisfies ProjectPatch;
  const { since, recheckAt = null, ...words } = fieldsFor(record, own, now);
  const patch = {
    ...facts,
    ...words,
    progress: progressOf(record, own, words.reason ?? null, now),
    ...(words.evidence ? { evidence: steadyEvidence(record, words.evidence, now) } : {}),
  };
  return { patch: withReasonSince(record, patch, now, since), recheckAt };
}

type Own = Required<ObservedState>;

function fieldsFor(record: ProjectRecord, own: Own, now: string): Words {
  const { pod, claim } = own;
  const told = record.observedGeneration === record.generation;
  const failedPermanently = record.failedGeneration === record.generation;
  const failure = () => failureFields(record);
  const leaving = pod?.metadata.deletionTimestamp ? diagnosePod({ ...own, pod, now: Date.parse(now) }) : null;

  switch (record.desiredState) {
    case 'deleted':
      if (!pod && !claim && told) {
        return {
          status: 'archived',
          deletedAt: now,
          // Nothing of the row changes ever after. Nobody can retry it, and what a late request leaves must not look parked.
          failedGeneration: null,
          podError: null,
          podErrorCode: null,
          ...plain('archived', 'The pod and its volume are gone.', 'Nothing is left of it.'),
        };
      }
      if (failedPermanently) return { status: 'error', ...failure() };
      if (record.podError !== null) return { status: 'deleting', ...failure() };
      return {
        status: 'deleting',
        ...plain(
          'deleting',
          'The pod and its volume are being removed.',
          'It is gone as soon as the cluster has removed both.',
        ),
        ...stuck(leaving),
      };
    case 'stopped':
      if (!pod && told) {
        return {
          status: 'stopped',
          ...plain('stopped', 'The project is stopped. The files stay on the volume.', 'Start it to go on.'),
        };
      }
      if (failedPermanently) return { status: 'error', ...failure() };
      if (record.podError !== null) return { status: 'stopping', ...failure() };
      return {
        status: 'stopping',
        ...plain(
          'stopping',
          'The pod is stopping. The files stay on the volume.',
          'It is stopped as soon as the pod has ended.',
        ),
        ...stuck(leaving),
      };
    case 'running': {
      const isCurrent = pod && !leaving && !isOutdated(record, pod);
      const diagnosis = isCurrent ? diagnosePod({ ...own, pod, now: Date.parse(now) }) : null;
      if (diagnosis?.state === 'ready') return { status: 'ready', ...wordsOf(diagnosis) };
      if (failedPermanently) return { status: 'error', ...failure() };
      // Before the failure of an attempt: it may well have made this pod and lost the answer.
      if (diagnosis) return { status: statusOf(diagnosis), ...wordsOf(diagnosis) };
      if (record.podError !== null) return { status: 'initializing', ...failure() };
      if (pod) {
        const isPlain = leaving === null || leaving.reason === 'stopping';
        return {
          status: 'initializing',
          ...plain('stopping', 'The old pod is stopping.', 'A new one starts as soon as it is gone.'),
          ...(isPlain ? { recheckAt: leaving?.recheckAt ?? null } : wordsOf(leaving)),
        };
      }
      return {
        status: 'initializing',
        ...(told
          ? wordsOf(diagnoseGone(own.events))
          : plain('queued', 'Waiting for a worker to start the pod.', 'A worker takes it as soon as one is free.')),
      };
    }
  }
}

/** Whoever has to do nothing has no error: it goes on by itself. */
function statusOf({ state, actor }: Diagnosis): 'initializing' | 'error' {
  const goesOn = state === 'starting' || state === 'lost' || (state === 'failing' && actor === 'nobody');
  return goesOn ? 'initializing' : 'error';
}

function wordsOf({ reason, message, nextStep, actor, evidence, since, recheckAt, state }: Diagnosis): Words {
  // The cluster tries again by itself, but after a mend a person need not wait for that.
  const retryable = state === 'failed' || (state === 'failing' && actor !== 'nobody');
  return { reason, message: message, nextStep, actor, retryable, evidence, since, recheckAt };
}

/** What goes as it was wished. */
function plain(reason: ReasonCode, message: string, nextStep: string): Words {
  return { reason, message, nextStep, actor: 'nobody', retryable: false, evidence: [] };
}

/** Of a pod that leaves as wished only what keeps it from leaving is told. */
function stuck(leaving: Diagnosis | null): Words {
  if (!leaving) return {};
  const isStuck = leaving.reason === 'stuck-terminating' || leaving.reason === 'stuck-on-finalizer';
  return isStuck ? wordsOf(leaving) : { recheckAt: leaving.recheckAt };
}

/** How far the start has come; a pod that is lost after it was ready begins another one. */
function progressOf(
  record: ProjectRecord,
  { pod, claim, events }: Own,
  reason: ReasonCode | null,
  now: string,
): StartProgress | null {
  if (record.desiredState !== 'running') return null;
  const current = pod && !pod.metadata.deletionTimestamp && !isOutdated(record, pod) ? pod : null;
  const { progress: previous } = record;
  const isLost = previous?.readyAt != null && (!current || current.metadata.uid !== record.podUid);
  // A row from before starts were kept tells of no wish: its pod is as old as its start.
  const begun = current ? new Date(current.metadata.creationTimestamp).toISOString() : record.createdAt;
  const startedAt = isLost ? now : (previous?.startedAt ?? begun);
  return startProgress({ startedAt, attempt: attemptOf(previous), pod: current, claim, events, reason, previous, now });
}
