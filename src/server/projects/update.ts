/** What an update of a project's fields writes into the row: pure functions. */

import { AppError } from '../../shared/contract/errors.ts';
import type { UpdateProjectInput } from '../../shared/contract/project.ts';
import { projectCan } from '../../shared/contract/states.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import type { ProjectPatch } from '../../shared/node/db/projects-repository.ts';
import { sizeNamed, type ProjectSize } from '../../shared/node/sizes/size-rules.ts';

/**
 * The fields that differ from the record, or `null` if none does.
 * @param sizes of the installation
 * @throws AppError ILLEGAL_STATE
 */
export function updatePatch(
  record: ProjectRecord,
  input: UpdateProjectInput,
  sizes: readonly ProjectSize[],
): ProjectPatch | null {
  const permission = projectCan('update', record);
  if (permission.kind === 'no') throw new AppError('ILLEGAL_STATE', permission.message);
  const patch: ProjectPatch = {};
  if (input.name !== undefined && input.name !== record.name) patch.name = input.name;
  if (input.description !== undefined && input.description !== record.description) {
    patch.description = input.description;
  }
  if (input.repoUrl !== undefined && input.repoUrl !== record.repoUrl) patch.repoUrl = input.repoUrl;
  if (input.size !== undefined && input.size !== record.size) {
    patch.size = input.size;
    // A pod of the former size may exist that no worker has observed.
    if (record.podSize === null && record.status !== 'stopped') {
      patch.podSize = sizeNamed(sizes, record.size)?.name ?? null;
    }
  }
  const { answerLimitMinutes } = input;
  if (answerLimitMinutes !== undefined && answerLimitMinutes !== record.answerLimitMinutes) {
    patch.answerLimitMinutes = answerLimitMinutes;
  }
  if (input.aiReview !== undefined && input.aiReview !== record.aiReview) patch.aiReview = input.aiReview;
  if (input.idleStop !== undefined && input.idleStop !== record.idleStop) {
    patch.idleStop = input.idleStop;
    patch.idleStopInMinutes = null;
  }
  return Object.keys(patch).length > 0 ? patch : null;
}

/** The line of the timeline, such as "Changed the name and repository URL." */
export function updateMessage(input: UpdateProjectInput): string {
  const fields = [
    ...(input.name === undefined ? [] : ['name']),
    ...(input.description === undefined ? [] : ['description']),
    ...(input.repoUrl === undefined ? [] : ['repository URL']),
    ...(input.size === undefined ? [] : ['size']),
    ...(input.answerLimitMinutes === undefined ? [] : ['time limit for answers']),
    ...(input.aiReview === undefined ? [] : ['AI review']),
    ...(input.idleStop === undefined ? [] : ['idle stop']),
  ];
  return `Changed the ${fields.join(' and ') || 'project'}.`;
}
