/** Pods and claims of the project that `recordFixture` makes, for unit tests of the worker. */

import { kubernetesClaimSchema, type KubernetesClaim } from '../../src/worker/pods/kube/kubernetes-claim.ts';
import { kubernetesPodSchema, type KubernetesPod } from '../../src/worker/pods/kube/kubernetes-pod.ts';
import { generationAnnotation, projectIdLabel } from '../../src/worker/pods/kube/manifests.ts';
import { projectIdOf } from '../support/project-fixture.ts';

const testProjectId = projectIdOf(1);
export const testNow = Date.parse('2026-01-01T12:00:00Z');

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
