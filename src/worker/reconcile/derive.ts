/** What to show for a project: a pure function from the row and what is in the cluster to the fields of the status. */
import { explainGone } from '../../shared/contract/explain/endings.ts';
import { explainPod, summarizeContainers } from '../../shared/contract/explain/explain-pod.ts';
import type { PodExplanation } from '../../shared/contract/explain/situation.ts';
import { startProgress } from '../../shared/contract/explain/start-progress.ts';
import type { StartProgress } from '../../shared/contract/explanation.ts';
import type { KubernetesEvent } from '../../shared/contract/kubernetes-event.ts';
import type { ReasonCode } from '../../shared/contract/reasons.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import type { ProjectPatch } from '../../shared/node/db/projects-repository.ts';
import { isOurs, isOutdated, type Actual } from './decide.ts';
import { attemptOf, failureFields, steadyEvidence, withReasonSince } from './status-fields.ts';

/** What the watch knows of a project; a read of the cluster comes without events. */
export interface Seen extends Actual {
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
export function derive(record: ProjectRecord, seen: Seen, now: string): Derived {
  if (record.status === 'archived') return { patch: {}, recheckAt: null };
  // Somebody else's object under our name is not what the project does.
  const pod = seen.pod && isOurs(record, seen.pod) ? seen.pod : null;
  const claim = seen.claim && isOurs(record, seen.claim) ? seen.claim : null;
  const events = seen.events ?? [];
  const own = { pod, claim, events };
  const observed = {
    phase: pod?.status.phase ?? null,
    containers: pod ? summarizeContainers(pod) : [],
    podUid: pod?.metadata.uid ?? null,
    podCreatedAt: pod ? new Date(pod.metadata.creationTimestamp).toISOString() : null,
  } satisfies ProjectPatch;
  const { since, recheckAt = null, ...words } = explain(record, own, now);
  const patch = {
    ...observed,
    ...words,
    progress: progressOf(record, own, words.reason ?? null, now),
    ...(words.evidence ? { evidence: steadyEvidence(record, words.evidence, now) } : {}),
  };
  return { patch: withReasonSince(record, patch, now, since), recheckAt };
}

type Own = Required<Seen>;

function explain(record: ProjectRecord, own: Own, now: string): Words {
  const { pod, claim } = own;
  const told = record.observedGeneration === record.generation;
  const parked = record.parkedGeneration === record.generation;
  const failure = () => failureFields(record);
  const leaving = pod?.metadata.deletionTimestamp ? explainPod({ ...own, pod, now: Date.parse(now) }) : null;

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
          ...plain('archived', 'The pod and its volume are gone.', 'Nothing is left of it.'),
        };
      }
      if (parked) return { status: 'error', ...failure() };
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
      if (parked) return { status: 'error', ...failure() };
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
      const explanation = isCurrent ? explainPod({ ...own, pod, now: Date.parse(now) }) : null;
      if (explanation?.state === 'ready') return { status: 'ready', ...wordsOf(explanation) };
      if (parked) return { status: 'error', ...failure() };
      // Before the failure of an attempt: it may well have made this pod and lost the answer.
      if (explanation) return { status: statusOf(explanation), ...wordsOf(explanation) };
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
          ? wordsOf(explainGone(own.events))
          : plain('queued', 'Waiting for a worker to start the pod.', 'A worker takes it as soon as one is free.')),
      };
    }
  }
}

/** Whoever has to do nothing has no error: it goes on by itself. */
function statusOf({ state, actor }: PodExplanation): 'initializing' | 'error' {
  const goesOn = state === 'starting' || state === 'lost' || (state === 'failing' && actor === 'nobody');
  return goesOn ? 'initializing' : 'error';
}

function wordsOf({ reason, sentence, next, actor, evidence, since, recheckAt, state }: PodExplanation): Words {
  // The cluster tries again by itself, but after a mend a person need not wait for that.
  const retryable = state === 'failed' || (state === 'failing' && actor !== 'nobody');
  return { reason, message: sentence, next, actor, retryable, evidence, since, recheckAt };
}

/** What goes as it was wished. */
function plain(reason: ReasonCode, message: string, next: string): Words {
  return { reason, message, next, actor: 'nobody', retryable: false, evidence: [] };
}

/** Of a pod that leaves as wished only what keeps it from leaving is told. */
function stuck(leaving: PodExplanation | null): Words {
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
