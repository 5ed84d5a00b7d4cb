/**
 * Why a volume cannot be attached or mounted, by the status code of its storage driver and by the text. The codes are those of
 * gRPC, as the CSI specification uses them. The texts are those of pkg/volume, clouds, mount(8) and its helpers.
 */

export interface Cause {
  /** Status codes of the driver that mean this. They follow the CSI specification. */
  codes?: readonly string[];
  text?: RegExp;
  /** Completes "The volume of the project could not be attached to its node: …". */
  says: string;
  toDo: string;
  /** Usual on a node that has just started: it counts only when it lasts. */
  isUsual?: true;
}

export const retries = 'Kubernetes tries again by itself.';
const checkDriver = `${retries} If this continues, an administrator must check the storage driver.`;
export const continues = 'The start then continues by itself.';

/** Aborted: another operation on the volume is still running. */
const busy: Cause = {
  codes: ['Aborted'],
  // pkg/volume/csi/csi_attacher.go: the detachment of the volume from this node is not over yet.
  text: /volume attachment is being deleted/i,
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

export const attachCauses: readonly Cause[] = [
  {
    // A disk of a cloud can only be attached to machines of its own zone.
    text: /zone ?mismatch|not in the same (availability )?zone|(different|another) (availability )?zone/i,
    says: 'its disk is in another zone than the node',
    toDo: 'An administrator must run the project on a node in the zone of the disk.',
  },
  {
    codes: ['ResourceExhausted'],
    text: /(maximum|max) (number of )?(data )?(volumes|disks|attachments)|attachment limit|volume limit|\b((attachment|volume|disk)\w* ?)?limit ?exceeded/i,
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

export const mountCauses: readonly Cause[] = [
  ...common,
  {
    text: /unknown filesystem type|executable file not found|bad option.*helper program|need .*mount\.\w+/i,
    says: 'the node lacks the program for this kind of storage',
    toDo: `An administrator must install it on the node. ${continues}`,
  },
  {
    text: /\bfound errors on device\b|structure needs cleaning|bad superblock|corrupt/i,
    says: 'its file system is damaged. Files in the workspace may be lost',
    toDo: 'An administrator must repair the file system.',
  },
  {
    // ENOSPC and EDQUOT of the node.
    text: /no space left on device|disk quota exceeded/i,
    says: 'a disk is full',
    toDo: `An administrator must make room on the disk of the node or of the volume. ${continues}`,
  },
  {
    // getaddrinfo(3), Go `net.DNSError` and the mount helpers of file servers.
    text: /(failed to|could not|cannot|can't) resolve(?!d? (the )?(sym)?(link|path))|name or service not known|name resolution|no such host/i,
    says: 'the name of its server is not known to the DNS of the node',
    toDo: `${retries} If this continues, an administrator must check the name in the volume, and the DNS of the node.`,
    isUsual: true,
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
