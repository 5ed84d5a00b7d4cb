/** Records, pods and claims for unit tests: small and complete. A test changes the fields that it is about. */

import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import { kubernetesClaimSchema, type KubernetesClaim } from '../../src/worker/pods/kube/kubernetes-claim.ts';
import { kubernetesPodSchema, type KubernetesPod } from '../../src/worker/pods/kube/kubernetes-pod.ts';
import { generationAnnotation, projectIdLabel } from '../../src/worker/pods/kube/manifests.ts';

const testProjectId = '8d7a1b1e-55a5-4dfb-9ad6-3f6c2f3b7a10';
export const testNow = Date.parse('2026-01-01T12:00:00Z');

export function recordOf(changes: Partial<ProjectRecord> = {}): ProjectRecord {
  return {
    id: testProjectId,
    seq: 1,
    ownerId: 'f0f8b3a4-31d7-4f0c-8f0b-0c3d0a8a6f11',
    idempotencyKey: null,
    name: 'Test',
    description: '',
    repoUrl: null,
    desiredState: 'running',
    status: 'initializing',
    generation: 1,
    observedGeneration: 0,
    podGeneration: 1,
    failedGeneration: null,
    namespace: 'opencode',
    podName: `project-${testProjectId}-abcde`,
    workspacePvcName: `workspace-${testProjectId}`,
    phase: null,
    reason: 'queued',
    message: null,
    nextStep: null,
    actor: 'nobody',
    retryable: false,
    reasonSince: null,
    progress: null,
    evidence: [],
    containers: [],
    podUid: null,
    podCreatedAt: null,
    podError: null,
    podErrorCode: null,
    statusVersion: 1,
    createdAt: '2026-01-01T11:00:00.000Z',
    updatedAt: '2026-01-01T11:00:00.000Z',
    deletedAt: null,
    ...changes,
  };
}

export interface PodChanges {
  generation?: number;
  projectId?: string;
  phase?: KubernetesPod['status']['phase'];
  ready?: boolean;
  leaving?: boolean;
  createdAt?: string;
}

export function podOf(changes: PodChanges = {}): KubernetesPod {
  const { generation = 1, projectId = testProjectId, phase = 'Running', ready = true, leaving = false } = changes;
  const names = ['opencode-server', 'file-browser', 'session-proxy'];
  return kubernetesPodSchema.parse({
    metadata: {
      name: `project-${testProjectId}-abcde`,
      namespace: 'opencode',
      uid: 'uid-1',
      resourceVersion: '10',
      creationTimestamp: changes.createdAt ?? '2026-01-01T11:00:00Z',
      deletionTimestamp: leaving ? '2026-01-01T12:00:00Z' : undefined,
      labels: { [projectIdLabel]: projectId },
      annotations: { [generationAnnotation]: String(generation) },
    },
    spec: { nodeName: 'node', containers: names.map((name) => ({ name, image: `${name}:1` })) },
    status: {
      phase,
      conditions: [{ type: 'PodScheduled', status: 'True' }],
      containerStatuses: names.map((name) => ({ name, ready, restartCount: 0, state: { running: {} } })),
    },
  });
}

export function claimOf(changes: { leaving?: boolean; projectId?: string } = {}): KubernetesClaim {
  return kubernetesClaimSchema.parse({
    metadata: {
      name: `workspace-${testProjectId}`,
      uid: 'uid-2',
      resourceVersion: '9',
      deletionTimestamp: changes.leaving ? '2026-01-01T12:00:00Z' : undefined,
      labels: { [projectIdLabel]: changes.projectId ?? testProjectId },
    },
  });
}
