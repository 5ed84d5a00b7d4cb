/** What is worth a notification when a project changes: a pure function. */

import type { Project } from '../../shared/contract/project.ts';
import { reasonFacts } from '../../shared/contract/reasons.ts';
import { roleMay } from '../../shared/contract/roles.ts';
import { count } from '../ui/format.ts';

export interface News {
  /** A later notification with the same tag replaces this one. Open tabs of one browser show it once. */
  tag: string;
  title: string;
  body: string;
  /** The page that shows it. */
  path: string;
}

type NewsInput = Pick<Project, 'id' | 'name' | 'role' | 'status' | 'reason' | 'message' | 'waitingRuns'>;

/** @param before `undefined`: the project was not known, so nothing about it has happened */
export function newsOf(before: NewsInput | undefined, after: NewsInput): News | null {
  if (before === undefined) return null;
  const { id, name } = after;
  if (after.waitingRuns > before.waitingRuns && roleMay(after.role, 'tasks.write')) {
    return {
      tag: `waiting-${id}`,
      title: `“${name}” needs an answer`,
      body: `${count(after.waitingRuns, 'agent run')} ${after.waitingRuns === 1 ? 'waits' : 'wait'} for you.`,
      path: `/projects/${id}/tasks`,
    };
  }
  if (after.status === 'error' && before.status !== 'error') {
    return {
      tag: `failed-${id}`,
      title: `“${name}” has failed`,
      body: after.message ?? (after.reason === null ? 'Open the project to see why.' : reasonFacts[after.reason].title),
      path: `/projects/${id}`,
    };
  }
  return null;
}
