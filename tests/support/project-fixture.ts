/** A project as the API shows it, for tests that need no database. */

import type { Project } from '../../src/shared/contract/project.ts';

export function fakeProject(overrides: Partial<Project> = {}): Project {
  const id = overrides.id ?? '5a1c1c1e-8b9f-4f6c-9a52-7d1f7a0f0001';
  return {
    id,
    ownerId: 'owner-a',
    name: 'Example',
    description: '',
    repoUrl: null,
    status: 'ready',
    desiredState: 'running',
    podName: `project-${id}-abcde`,
    namespace: 'opencode',
    phase: 'Running',
    reason: 'ready',
    message: null,
    nextStep: null,
    actor: 'nobody',
    retryable: false,
    reasonSince: null,
    progress: null,
    evidence: [],
    containers: [],
    podCreatedAt: null,
    workspacePvcName: `workspace-${id}`,
    podError: null,
    generation: 1,
    observedGeneration: 1,
    statusVersion: 1,
    createdAt: '2026-11-01T10:00:00.000Z',
    updatedAt: '2026-11-01T10:00:00.000Z',
    deletedAt: null,
    ...overrides,
  };
}
