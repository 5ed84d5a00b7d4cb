/** Wakes the subscriptions of a project's tasks when the status stream says that some of them have changed. */

export interface TaskHub {
  /** Registers; the returned function leaves. `onChange` must return at once and must not throw. */
  join(projectId: string, onChange: () => void): () => void;
  onTasks: (projectId: string) => void;
  /** Wakes all subscriptions, because anything may have changed. */
  wakeAll(): void;
}

export function createTaskHub(): TaskHub {
  const projects = new Map<string, Set<() => void>>();
  return {
    join(projectId, onChange) {
      const subscribers = projects.get(projectId) ?? new Set();
      projects.set(projectId, subscribers);
      subscribers.add(onChange);
      return () => {
        subscribers.delete(onChange);
        if (subscribers.size === 0 && projects.get(projectId) === subscribers) projects.delete(projectId);
      };
    },
    onTasks(projectId) {
      for (const onChange of projects.get(projectId) ?? []) onChange();
    },
    wakeAll() {
      for (const subscribers of projects.values()) for (const onChange of subscribers) onChange();
    },
  };
}
