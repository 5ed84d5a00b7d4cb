/** The project that a request for a model comes from. Its pod says which one it is, and proves it with a credential. */

import type { AccessKeys } from '../access/credentials.ts';
import type { Database } from '../db/database.ts';
import { findProject } from '../db/projects-repository.ts';

export interface ModelProject {
  id: string;
  ownerId: string;
  /** The credential `models` of its pod; `null` when the project is not to run. */
  credential: string | null;
}

export async function findModelProject(
  db: Database,
  keys: AccessKeys,
  projectId: string,
): Promise<ModelProject | null> {
  const record = await findProject(db, projectId);
  if (record === null) return null;
  const { id, ownerId, desiredState, status, accessKeyId } = record;
  const runs = desiredState === 'running' && status !== 'archived' && accessKeyId !== null;
  return { id, ownerId, credential: runs ? keys.credential('models', { id, keyId: accessKeyId }) : null };
}
