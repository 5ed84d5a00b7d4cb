/**
 * The closed list of reason codes: why a project is in its state. The codes are part of the API. What each of them looks like in
 * Kubernetes, and what to do about it, is in `docs/reasons.md`. This file must not import zod: the client shows these titles on every page.
 */

import type { Actor } from './diagnosis.ts';

interface ReasonFacts {
  /** A heading of one to four words. */
  title: string;
  /** Who usually has to act. */
  actor: Actor;
  /** Whether something must be fixed, or was lost. Failures are highlighted. */
  isFailure: boolean;
}

const facts =
  (who: Omit<ReasonFacts, 'title'>) =>
  (title: string): ReasonFacts => ({ title, ...who });
/** An ordinary state. */
const ordinary = facts({ actor: 'nobody', isFailure: false });
/** A failure from which the project recovers without help. */
const recovers = facts({ actor: 'nobody', isFailure: true });
/** A failure that the owner of the project can fix. */
const forOwner = facts({ actor: 'owner', isFailure: true });
/** A failure that an administrator has to fix. */
const forAdmin = facts({ actor: 'administrator', isFailure: true });

export const reasonFacts = {
  // Starting.
  queued: ordinary('Queued'),
  'waiting-for-node': ordinary('Waiting for a node'),
  'scaling-up': ordinary('Adding a node'),
  'scheduling-gated': ordinary('Held back'),
  scheduled: ordinary('Waiting for its node'),
  creating: ordinary('Preparing'),
  'image-pulling-slow': ordinary('Slow image'),
  cloning: ordinary('Cloning the repository'),
  starting: ordinary('Starting'),
  'starting-slow': ordinary('Slow start'),

  'readiness-gate': ordinary('Waiting for a check'),

  // In the desired state, or on the way there.
  ready: ordinary('Running'),
  'clone-failed': forOwner('Repository not cloned'),
  stopping: ordinary('Stopping'),
  stopped: ordinary('Stopped'),
  trashed: ordinary('In the trash'),
  deleting: ordinary('Deleting'),
  archived: ordinary('Deleted'),

  // The pod is stopping or gone, and this application did not request it.
  'pod-gone': recovers('Pod gone'),
  drained: recovers('Node under maintenance'),
  preempted: recovers('Made room for another'),
  'node-lost': forAdmin('Node lost'),
  'stuck-terminating': forAdmin('Does not end'),
  'stuck-on-finalizer': forAdmin('Held by a finalizer'),

  // Nodes.
  unschedulable: forAdmin('No suitable node'),
  'node-refused': forAdmin('Refused by its node'),
  'node-silent': forAdmin('Node does not respond'),

  // The volume and the network.
  'volume-pending': forAdmin('Waiting for its volume'),
  'volume-deleting': recovers('Deleting old volume'),
  'volume-missing': recovers('Volume gone'),
  'volume-lost': forAdmin('Volume lost'),
  'attach-failed': forAdmin('Volume not attached'),
  'multi-attach': recovers('Volume attached elsewhere'),
  'mount-failed': forAdmin('Volume not mounted'),
  'network-failed': forAdmin('Network not set up'),

  'sandbox-failed': forAdmin('Pod not prepared'),

  // Images.
  'image-not-found': forAdmin('Image not found'),
  'image-denied': forAdmin('Image denied'),
  'image-rate-limited': forAdmin('Too many pulls'),
  'image-unreachable': forAdmin('Registry unreachable'),
  'image-untrusted': forAdmin('Registry not trusted'),
  'image-wrong-platform': forAdmin('Image for other processors'),
  'image-absent': forAdmin('Image not on node'),
  'node-disk-full': forAdmin('Disk full'),
  'image-invalid-name': forAdmin('Invalid image name'),
  'image-pull-failed': forAdmin('Image not pulled'),

  // Containers.
  'config-missing': forAdmin('Configuration missing'),
  'config-error': forAdmin('Settings not usable'),
  'image-user': forAdmin('User not allowed'),
  interrupted: recovers('Interrupted'),
  'create-container-error': forAdmin('Container not created'),
  'start-error': forAdmin('Program not started'),
  'hook-failed': forAdmin('Start hook failed'),
  'crash-loop': forOwner('Keeps crashing'),
  'completed-loop': forOwner('Keeps ending'),
  'out-of-memory': forOwner('Out of memory'),
  'liveness-failing': forOwner('Not responding'),
  'readiness-failing': forOwner('Not ready'),
  'startup-failing': forOwner('Does not start'),
  'init-failed': forOwner('Preparation failed'),

  // The pod ended.
  evicted: forOwner('Evicted'),
  'node-pressure': forAdmin('Node short of resources'),
  'node-shutdown': recovers('Node shut down'),
  'deadline-exceeded': forOwner('Time limit reached'),
  completed: forOwner('Completed'),
  'pod-failed': forOwner('Failed'),

  // The API refuses a request or does not answer.
  'cluster-unreachable': forAdmin('Cluster unreachable'),
  'cluster-busy': recovers('Cluster busy'),
  'eviction-blocked': recovers('Eviction blocked'),
  unauthorized: forAdmin('Credentials refused'),
  forbidden: forAdmin('Permission missing'),
  'quota-exceeded': forAdmin('Quota used up'),
  'quota-unspecified': forAdmin('Needs not stated'),
  'limit-range': forAdmin('Outside the limits'),
  'placement-conflict': forAdmin('Nodes not allowed'),
  'priority-class-missing': forAdmin('Priority class missing'),
  'runtime-class-missing': forAdmin('Runtime class missing'),
  'service-account-missing': recovers('Service account missing'),
  refused: forAdmin('Refused by the cluster'),
  'admission-denied': forAdmin('Denied by policy'),
  'admission-unavailable': forAdmin('Policy check unavailable'),
  'namespace-missing': forAdmin('Namespace missing'),
  'namespace-terminating': forAdmin('Namespace being deleted'),
  'change-refused': forAdmin('Change refused'),
  'invalid-name': forAdmin('Invalid name'),
  'request-too-large': forAdmin('Request too large'),
  'api-unsupported': forAdmin('Function not offered'),
  'invalid-spec': forAdmin('Invalid settings'),
  'name-conflict': forAdmin('Name taken'),
  'cluster-error': forAdmin('Cluster error'),
  'internal-error': forAdmin('Internal error'),
} satisfies Record<string, ReasonFacts>;

export type ReasonCode = keyof typeof reasonFacts;

/** Whether something must be fixed, or was lost. */
export function isFailure(reason: ReasonCode | null): boolean {
  return reason !== null && reasonFacts[reason].isFailure;
}
