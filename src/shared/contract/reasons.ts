/** The closed list of reason codes: why a project is in the state that it shows. */
import { z } from 'zod';

export const reasonCodeSchema = z.enum([
  // on the way up
  'queued',
  'waiting-for-node',
  'scheduled',
  'creating',
  'starting',
  // as wanted
  'ready',
  'stopping',
  'stopped',
  'deleting',
  'archived',
  // the pod is in trouble
  'pod-gone',
  'unschedulable',
  'image-not-found',
  'image-denied',
  'image-invalid-name',
  'image-pull-failed',
  'config-missing',
  'create-container-error',
  'start-error',
  'crash-loop',
  'completed-loop',
  'out-of-memory',
  'readiness-failing',
  'startup-failing',
  'init-failed',
  'evicted',
  'preempted',
  'deadline-exceeded',
  'node-lost',
  'node-refused',
  'completed',
  'pod-failed',
  // the cluster refuses or does not answer
  'cluster-unreachable',
  'cluster-busy',
  'unauthorized',
  'forbidden',
  'quota-exceeded',
  'admission-denied',
  'namespace-missing',
  'invalid-spec',
  'name-conflict',
  'cluster-error',
  'internal-error',
]);
export type ReasonCode = z.infer<typeof reasonCodeSchema>;
