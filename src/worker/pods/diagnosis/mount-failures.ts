/**
 * A volume that cannot be attached to the node or mounted there. The status code of the storage driver comes before the text.
 * Sources: pkg/controller/volume/attachdetach (Multi-Attach), pkg/volume/csi (driver not registered, attach timeouts),
 * pkg/volume/secret and configmap (objects that do not exist), pkg/kubelet/volumemanager.
 */

import { deadlineAfter, deadlines, isOverdue } from './deadlines.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOfEvent } from './evidence.ts';
import type { PreparationCase } from './node-preparation.ts';
import { kubernetesReports, statusCodeIn, withoutWrappers } from './quote.ts';
import { withoutNames } from './report-text.ts';

interface Cause {
  /** Status codes of the driver that mean this. They follow the CSI specification. */
  codes?: readonly string[];
  text?: RegExp;
  /** Completes "The volume of the project could not be attached to its node: …". */
  says: string;
  toDo: string;
  /** Usual on a node that has just started: it counts only when it lasts. */
  isUsual?: true;
}

const retries = 'Kubernetes tries again by itself.';
const checkDriver = `${retries} If this continues, an administrator must check the storage driver.`;
const continues = 'The start then continues by itself.';

/** Aborted: another operation on the volume is still running. */
const busy: Cause = {
  codes: ['Aborted'],
  says: 'the storage driver is still busy with it',
  toDo: checkDriver,
  isUsual: true,
};

/** Causes that both steps have. */
const common: readonly Cause[] = [
  {
    text: /not found in the list of registered CSI drivers|CSINode .*does not contain driver|no CSI driver|failed to get (csi )?plugin/i,
    says: 'its storage driver does not run on the node yet',
    toDo: checkDriver,
    isUsual: true,
  },
  {
    codes: ['PermissionDenied', 'Unauthenticated'],
    text: /access denied|permission denied|no ?permission|not authorized|UnauthorizedOperation|forbidden/i,
    says: 'the storage denies the access',
    toDo: `An administrator must give the cluster access to this storage. ${continues}`,
  },
  {
    // The code NotFound alone may also mean the node.
    text: /\b(volume|disk)\b[^:]*(does not exist|not found|no longer exists)|InvalidVolume\.NotFound/i,
    says: 'the storage does not have it any more. The files in the workspace may be lost',
    toDo: 'An administrator must restore the volume.',
  },
];

const attachCauses: readonly Cause[] = [
  {
    codes: ['ResourceExhausted'],
    text: /(maximum|max) (number of )?(data )?(volumes|disks|attachments)|attachment limit|volume limit|limit ?exceeded/i,
    says: 'the node already has as many volumes as it can have',
    toDo: `${retries} If this continues, an administrator must move other projects or add a node.`,
  },
  ...common,
  busy,
  {
    codes: ['DeadlineExceeded', 'Unavailable'],
    text: /timed out waiting for (external-attacher|attachment)|attach(ment)? timeout|deadline exceeded|timed out|is attaching|being (at|de)tached/i,
    says: 'the storage driver has not answered in time',
    toDo: checkDriver,
    isUsual: true,
  },
];

const mountCauses: readonly Cause[] = [
  ...common,
  {
    text: /unknown filesystem type|executable file not found|bad option.*helper program|need .*mount\.\w+/i,
    says: 'the node lacks the program for this kind of storage',
    toDo: `An administrator must install it on the node. ${continues}`,
  },
  {
    text: /fsck found errors|structure needs cleaning|bad superblock|corrupt/i,
    says: 'its file system is damaged. Files in the workspace may be lost',
    toDo: 'An administrator must repair the file system.',
  },
  {
    text: /special device\b.*does not exist|no such device|not attached to node/i,
    says: 'the node does not have its disk',
    toDo: checkDriver,
    isUsual: true,
  },
  { text: /stale file handle/i, says: 'the file server has changed', toDo: checkDriver },
  {
    text: /no such file or directory|does not exist|hostPath type check failed/i,
    says: 'the folder that it should show does not exist, or is of another kind',
    toDo: `An administrator must correct the volume. ${continues}`,
  },
  busy,
  {
    codes: ['DeadlineExceeded', 'Unavailable'],
    text: /connection (timed out|refused)|no route to host|deadline exceeded|timed out|server .*not responding/i,
    says: 'the storage has not answered in time',
    toDo: `${retries} If this continues, an administrator must check the storage.`,
    isUsual: true,
  },
];

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

/** FailedPrecondition in the CSI specification, or the words of a cloud: the volume is attached to another node. */
function isUsedElsewhere(message: string): boolean {
  const words =
    /VolumeInUse|DiskInUse|already attached to (an|another|a different)? ?(instance|node|vm|server)|in use by another|being detached from/i;
  return statusCodeIn(message) === 'FailedPrecondition' || words.test(withoutNames(withoutWrappers(message)));
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

export function mountFailure(given: PreparationCase): Diagnosis | null {
  const { message } = given.event;
  const missing = /\b(secret|configmap)s? "([^"]+)" not found/i.exec(message);
  const key = /references non-existent (secret|config) key: (\S+)/i.exec(message);
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
  return failure(given, {
    reason: 'mount-failed',
    subject: 'A volume of the project could not be mounted on its node',
    cause,
  });
}

/** `mount` prints all of this whatever is wrong. */
const generalWords = /wrong fs type, bad option, bad superblock[^.]*/i;
const checkVolume = `${retries} If this continues, an administrator must check the volume and the node.`;

function causeOf(message: string, causes: readonly Cause[]): Cause | undefined {
  const code = statusCodeIn(message);
  const plain = withoutNames(withoutWrappers(message).replace(generalWords, ''));
  return (
    causes.find(({ codes }) => code !== null && codes?.includes(code)) ?? causes.find(({ text }) => text?.test(plain))
  );
}

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
