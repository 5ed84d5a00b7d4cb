/** Remembers the newest version of each project in a stream of events, so that repeated and older ones are recognised. */

import type { ProjectEvent } from '../contract/events.ts';
import type { Project } from '../contract/project.ts';

export interface VersionTracker {
  /** Takes the event into account. See `FeedUpdate` for `newer` and `missing`. */
  receive(event: ProjectEvent): { newer: Project[]; missing: string[] };
}

export function createVersionTracker(): VersionTracker {
  const newest = new Map<string, { version: number; isArchived: boolean }>();

  function isNewer({ id, statusVersion, status }: Project): boolean {
    if ((newest.get(id)?.version ?? 0) >= statusVersion) return false;
    newest.set(id, { version: statusVersion, isArchived: status === 'archived' });
    return true;
  }

  return {
    receive(event) {
      switch (event.type) {
        case 'snapshot': {
          const present = new Set(event.projects.map(({ id }) => id));
          const missing = [...newest].flatMap(([id, { isArchived }]) => (isArchived || present.has(id) ? [] : [id]));
          return { newer: event.projects.filter(isNewer), missing };
        }
        case 'changed':
        case 'removed':
          return { newer: [event.project].filter(isNewer), missing: [] };
        case 'freshness':
        case 'reset':
          return { newer: [], missing: [] };
      }
    },
  };
}
