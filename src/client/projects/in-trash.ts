/** Which projects are in the trash. */

import type { Project } from '../../shared/contract/project.ts';

/** A project that is being deleted is in the trash no longer, although it came from there. */
export function isInTrash({ trashedAt, desiredState }: Pick<Project, 'trashedAt' | 'desiredState'>): boolean {
  return trashedAt !== null && desiredState !== 'deleted';
}
