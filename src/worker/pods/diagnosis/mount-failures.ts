/**
 * A volume that cannot be attached to the node or mounted there. The status code of the storage driver comes before the text.
 * Sources: pkg/controller/volume/attachdetach (Multi-Attach), pkg/volume/csi (driver not registered, attach timeouts),
 * pkg/volume/secret and configmap (objects that do not exist), pkg/kubelet/volumemanager.
 */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { isThrottled } from './claim-provisioning.ts';
import { deadlineAfter, deadlines, isOverdue } from './deadlines.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOfEvent } from './evidence.ts';
import { attachCauses, continues, mountCauses, retries, type Cause } from './mount-causes.ts';
import type { PreparationCase } from './node-preparation.ts';
import { kubernetesReports, statusCodeIn, withoutWrappers } from './quote.ts';
import { causeUnknown, withoutNames } from './report-text.ts';

/** A node reports these in the first moments of a start: its caches are not filled yet, or the API was slow. */
const usualMount =
  /PVC is not bound|object ".*" not registered|failed to sync (secret|configmap) cache|not yet available|failed to fetch token|has not been added to the list of VolumesInUse/i;

export function attachFailure(given: PreparationCase): Diagnosis | null {
  const { event } = given;
  if (/^multi-attach error/i.test(event.message) || isUsedElsewhere(event.message)) return multiAttach(given);
  const cause = causeOf(event.message, attachCauses);
  return failure(given, {
    reason: 'attach-failed',
    subject: 'The volume of the project could not be attached to its node',
    cause,
  });
}

const elsewhere =
  /\b(is|still|currently|already) (attached|published|mounted|in use|used)\b|\b(another|other|different) (node|instance|host|machine|server|vm)\b|\bin use\b|\bused by\b|published to/i;

/** The codes with which drivers pass on whatever a cloud says. */
const unspecific: ReadonlySet<string> = new Set(['Internal', 'Unknown', 'Aborted', 'AlreadyExists']);

/** FailedPrecondition in the CSI specification, or the words of a cloud: the volume is attached to another node. */
function isUsedElsewhere(message: string): boolean {
  const words =
    /VolumeInUse|DiskInUse|already attached to (an|another|a different)? ?(instance|node|vm|server)|in[ _]use[ _]by[ _]another|already being used by|being detached from/i;
  const code = statusCodeIn(message);
  const plain = withoutNames(withoutWrappers(message));
  // Drivers use this code for other preconditions too, such as a machine that does not run.
  if (code === 'FailedPrecondition') return words.test(plain) || elsewhere.test(plain);
  // A code that says something counts more than the words.
  return (code === null || unspecific.has(code)) && words.test(plain);
}

/** attachdetach/reconciler: the volume is released after six minutes when its old node does not answer. */
function multiAttach({ event, since, now }: PreparationCase): Diagnosis {
  const isOver = isOverdue(since, deadlines.multiAttachMs, now);
  const isPod = /already used by pod/i.test(event.message);
  return createDiagnosis({
    state: 'failing',
    reason: 'multi-attach',
    message: `The volume of the project is still attached to another node${isPod ? ', where a pod uses it' : ''}, and only one node can use it at a time.`,
    nextStep: isOver
      ? 'It should have been released by now. An administrator must check the other node and end the pod there.'
      : 'This continues by itself as soon as the other node releases the volume. After the loss of a node that takes some minutes.',
    actor: isOver ? 'administrator' : 'nobody',
    since,
    recheckAt: deadlineAfter(since, deadlines.multiAttachMs, now),
    evidence: [evidenceOfEvent(event)],
  });
}

const mounting = {
  reason: 'mount-failed' as const,
  subject: 'A volume of the project could not be mounted on its node',
};

/** pkg/controller/certificates/rootcacertpublisher and OpenShift: a controller puts these into every new namespace. */
const published: ReadonlySet<string> = new Set(['kube-root-ca.crt', 'openshift-service-ca.crt']);

/** "Unable to attach or mount volumes" only summarizes other events (volume_manager.go). */
export const isSummary = ({ message }: Pick<KubernetesEvent, 'message'>) =>
  /^unable to (attach or )?mount volumes/i.test(message);

export function mountFailure(given: PreparationCase): Diagnosis | null {
  const { message } = given.event;
  // volume_manager.go: the summary says how long the node waited, not for what.
  if (isSummary(given.event)) return failure(given, { ...mounting, cause: undefined });
  const missing = /\b(secret|configmap)s? "([^"]+)" not found/i.exec(message);
  const key = /references non-existent (secret|config) key: (\S+)/i.exec(message);
  if (missing && published.has(missing[2] ?? '') && !isOverdue(given.since, deadlines.mountRetriesMs, given.now))
    return failure(given, { ...mounting, cause: undefined });
  if (missing ?? key) {
    const kind = /^secret/i.test((missing ?? key)?.[1] ?? '') ? 'Secret' : 'ConfigMap';
    const name = (missing ?? key)?.[2];
    return createDiagnosis({
      state: 'failing',
      reason: 'mount-failed',
      message: missing
        ? `A volume could not be mounted: the ${kind} ${name} was not found.`
        : `A volume could not be mounted: its ${kind} does not have the key ${name}.`,
      nextStep: `An administrator must provide it. ${continues}`,
      since: given.since,
      evidence: [evidenceOfEvent(given.event)],
    });
  }
  const cause = usualMount.test(message)
    ? { says: null, toDo: checkVolume, isUsual: true as const }
    : causeOf(message, mountCauses);
  return failure(given, { ...mounting, cause });
}

/** `mount` prints all of this whatever is wrong. */
const generalWords = /wrong fs type, bad option, bad superblock[^.]*/i;
const checkVolume = `${retries} ${causeUnknown('the volume and the node')}`;

function causeOf(message: string, causes: readonly Cause[]): Cause | undefined {
  const code = statusCodeIn(message);
  const plain = withoutNames(withoutWrappers(message).replace(generalWords, ''));
  if (isThrottled(plain)) return throttled;
  return (
    causes.find(({ codes }) => code !== null && codes?.includes(code)) ?? causes.find(({ text }) => text?.test(plain))
  );
}

const throttled: Cause = {
  says: 'the storage has received too many requests',
  toDo: `${retries} If this continues, an administrator must check what sends so many, or raise the limit.`,
  isUsual: true,
};

/** A cause that is usual or not known counts only after a while: a node that has just started needs some attempts. */
function failure(
  { event, since, now }: PreparationCase,
  {
    reason,
    subject,
    cause,
  }: {
    reason: 'attach-failed' | 'mount-failed';
    subject: string;
    cause: (Omit<Cause, 'says'> & { says: string | null }) | undefined;
  },
): Diagnosis {
  const { message } = event;
  const evidence = [evidenceOfEvent(event)];
  const isWaiting = (cause === undefined || cause.isUsual) && !isOverdue(since, deadlines.mountRetriesMs, now);
  if (isWaiting) {
    return createDiagnosis({
      state: 'starting',
      reason: 'creating',
      message: 'The node (machine) is preparing the volume of the project.',
      nextStep: `The first attempt did not work. ${retries}`,
      since,
      recheckAt: deadlineAfter(since, deadlines.mountRetriesMs, now),
      evidence,
    });
  }
  return createDiagnosis({
    state: 'failing',
    reason,
    message: cause?.says == null ? `${subject}. ${kubernetesReports(message)}` : `${subject}: ${cause.says}.`,
    nextStep: cause?.toDo ?? checkVolume,
    since,
    evidence,
  });
}

/** pkg/volume/volume_linux.go: the node sets the owner of every file, which takes long with many files. */
export function slowOwnership({ event, since, now }: PreparationCase): Diagnosis {
  const isOver = isOverdue(since, deadlines.ownershipMs, now);
  return createDiagnosis({
    state: 'starting',
    reason: 'creating',
    message: 'The node (machine) is setting the owner of the files in the volume. With many files that takes minutes.',
    nextStep: isOver
      ? 'An administrator must check the volume, and may tell Kubernetes to skip this step (fsGroupChangePolicy).'
      : 'This continues by itself.',
    actor: isOver ? 'administrator' : 'nobody',
    since,
    recheckAt: deadlineAfter(since, deadlines.ownershipMs, now),
    evidence: [evidenceOfEvent(event)],
  });
}
