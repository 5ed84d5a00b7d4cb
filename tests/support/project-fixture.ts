/** Projects for tests that need no database: as the API shows them, and as the database stores them. */

import type { Project, PublishedProject } from '../../src/shared/contract/project.ts';
import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';

const createdAt = '2026-01-01T11:00:00.000Z';

/** The id of the n-th project. */
export const projectIdOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

/** What project and record have in common, for a project that was just created. */
function commonFields(id: string) {
  return {
    id,
    ownerId: 'f0f8b3a4-31d7-4f0c-8f0b-0c3d0a8a6f11',
    name: 'Example',
    description: '',
    repoUrl: null,
    size: null,
    podSize: null,
    storage: null,
    desiredState: 'running',
    status: 'initializing',
    generation: 1,
    observedGeneration: 0,
    namespace: 'opencode',
    podName: `project-${id}-abcde`,
    workspacePvcName: `workspace-${id}`,
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
    podCreatedAt: null,
    podError: null,
    configVersion: 0,
    configApplyVersion: null,
    answerLimitMinutes: 30,
    waitingRuns: 0,
    waitingSince: null,
    idleStop: 'default',
    idleStopInMinutes: null,
    idleStoppedAfterMinutes: null,
    trashedAt: null,
    trashDaysLeft: null,
    statusVersion: 1,
    createdAt,
    updatedAt: createdAt,
    aiReview: false,
    deletedAt: null,
  } satisfies Partial<ProjectRecord>;
}

/** A project that runs, as the API shows it. */
export function projectFixture(changes: Partial<Project> = {}): Project {
  return {
    ...commonFields(changes.id ?? projectIdOf(1)),
    ownerId: 'owner-a',
    status: 'ready',
    phase: 'Running',
    reason: 'ready',
    observedGeneration: 1,
    role: 'owner',
    sharedBy: null,
    ...changes,
  };
}

/** A project that runs, as workers publish it. */
export function publishedFixture(changes: Partial<PublishedProject> = {}): PublishedProject {
  const { role: _, sharedBy: _s, ...project } = projectFixture();
  return { ...project, members: {}, ...changes };
}

/** The row of a project that was just created. */
export function recordFixture(changes: Partial<ProjectRecord> = {}): ProjectRecord {
  return {
    ...commonFields(changes.id ?? projectIdOf(1)),
    seq: 1,
    idempotencyKey: null,
    podGeneration: 1,
    trashSeconds: 0,
    failedGeneration: null,
    podUid: null,
    podIp: null,
    accessKeyId: null,
    podErrorCode: null,
    podErrorAdvice: null,
    attempt: 0,
    unfinishedAttempts: 0,
    members: {},
    ...changes,
  };
}
