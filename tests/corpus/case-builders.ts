/** Small pods, claims and events for cases that were collected in public. Each names only what matters. */

import { kubernetesClaimSchema } from '../../src/worker/pods/kube/kubernetes-claim.ts';
import { kubernetesEventSchema } from '../../src/worker/pods/kube/kubernetes-event.ts';
import { kubernetesPodSchema } from '../../src/worker/pods/kube/kubernetes-pod.ts';

export const now = Date.parse('2026-11-28T12:00:00Z');
export const ago = (seconds: number) => new Date(now - seconds * 1_000).toISOString();
export const names = ['opencode-server', 'file-browser', 'session-proxy'];

export interface EventInput {
  reason: string;
  message: string;
  /** When it was first and last reported, in seconds before the diagnosis. */
  from?: number;
  to?: number;
  component?: string;
  kind?: 'Pod' | 'PersistentVolumeClaim';
  /** The container that it is about. */
  container?: string;
  isWarning?: boolean;
}

export function event(input: EventInput) {
  const {
    reason,
    message,
    from = 60,
    to = 2,
    component = 'kubelet',
    kind = 'Pod',
    container,
    isWarning = true,
  } = input;
  const fieldPath = container === undefined ? null : `spec.containers{${container}}`;
  return kubernetesEventSchema.parse({
    metadata: {},
    involvedObject: {
      ...(kind === 'Pod' ? { kind, name: 'project-x', uid: 'u' } : { kind, name: 'workspace-x', uid: 'c' }),
      fieldPath,
    },
    type: isWarning ? 'Warning' : 'Normal',
    reason,
    message,
    firstTimestamp: ago(from),
    lastTimestamp: ago(to),
    source: { component },
  });
}

export function claimOf({
  phase = 'Bound',
  ...metadata
}: {
  phase?: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  finalizers?: string[];
  annotations?: Record<string, string>;
} = {}) {
  return kubernetesClaimSchema.parse({
    metadata: { name: 'workspace-x', uid: 'c', resourceVersion: '1', creationTimestamp: ago(600), ...metadata },
    spec: { volumeName: phase === 'Pending' ? undefined : 'pvc-1', storageClassName: 'fast' },
    status: { phase },
  });
}

export function podOf({
  metadata = {},
  spec = {},
  status = {},
}: {
  metadata?: object;
  spec?: object;
  status?: object;
}) {
  return kubernetesPodSchema.parse({
    metadata: {
      name: 'project-x',
      namespace: 'opencode',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: ago(1_800),
      ...metadata,
    },
    spec: {
      containers: names.map((name) => ({ name, image: 'registry.example.com/a:1' })),
      volumes: [{ persistentVolumeClaim: { claimName: 'workspace-x' } }],
      ...spec,
    },
    status: { phase: 'Pending', ...status },
  });
}
