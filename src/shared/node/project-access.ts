/** Who may do what with a project: pure functions of its row. Everything that lets somebody near a project goes through here. */

import { AppError } from '../contract/errors.ts';
import type { Project, PublishedProject } from '../contract/project.ts';
import { roleRefusal, type ProjectRole, type Right } from '../contract/roles.ts';

/** A person, and what that person is about to do. */
export interface Permit {
  userId: string;
  right: Right;
}

type WithMembers = Pick<PublishedProject, 'ownerId' | 'members' | 'trashedAt'>;

/** Only its owner sees a project that is in the trash. */
export function roleOf({ ownerId, members, trashedAt }: WithMembers, userId: string): ProjectRole {
  if (ownerId === userId) return 'owner';
  if (trashedAt !== null) return 'none';
  return members[userId]?.role ?? 'none';
}

/**
 * @returns `null` if the project does not exist for this person
 * @throws AppError FORBIDDEN if the role of the person is not enough
 */
export function permitted<T extends WithMembers>(project: T, { userId, right }: Permit): T | null {
  const role = roleOf(project, userId);
  if (role === 'none') return null;
  const refusal = roleRefusal(role, right);
  if (refusal !== null) throw new AppError('FORBIDDEN', refusal);
  return project;
}

/** Everybody whose pages show the project, or have to learn that they no longer may. */
export function audienceOf({ ownerId, members }: Pick<PublishedProject, 'ownerId' | 'members'>): string[] {
  return [ownerId, ...Object.keys(members)];
}

/** The project as one person may see it. With the role `none` it says nothing but which project is gone. */
export function projectFor({ members, ...project }: PublishedProject, userId: string): Project {
  const role = roleOf({ ...project, members }, userId);
  if (role === 'none') return withdrawn(project);
  return { ...project, role, sharedBy: role === 'owner' ? null : (members[userId]?.sharedBy ?? null) };
}

function withdrawn({ id, statusVersion }: Pick<Project, 'id' | 'statusVersion'>): Project {
  const never = new Date(0).toISOString();
  return {
    id,
    statusVersion,
    role: 'none',
    sharedBy: null,
    status: 'archived',
    ownerId: '',
    name: '',
    description: '',
    repoUrl: null,
    size: null,
    podSize: null,
    storage: null,
    desiredState: 'deleted',
    podName: '',
    namespace: '',
    phase: null,
    reason: null,
    message: null,
    nextStep: null,
    actor: 'nobody',
    retryable: false,
    reasonSince: null,
    progress: null,
    evidence: [],
    containers: [],
    podCreatedAt: null,
    workspacePvcName: '',
    podError: null,
    generation: 0,
    observedGeneration: 0,
    configVersion: 0,
    configApplyVersion: null,
    answerLimitMinutes: 1,
    waitingRuns: 0,
    waitingSince: null,
    idleStop: 'default',
    idleStopInMinutes: null,
    idleStoppedAfterMinutes: null,
    trashedAt: null,
    trashDaysLeft: null,
    createdAt: never,
    updatedAt: never,
    aiReview: false,
    deletedAt: never,
  };
}
