/** Which tasks the board shows. The filter is in the address: `?q=login&priority=high&needs=you`. Pure functions. */

import type { Task, TaskPriority } from '../../../shared/contract/tasks.ts';
import { isPriority } from '../task-list.ts';

export interface BoardFilter {
  /** All of its words must occur in title or description. */
  text: string;
  priority: TaskPriority | null;
  /** Only tasks that wait for a person. */
  needsYou: boolean;
}

export const maxFilterLength = 100;

/** What the address says. Unknown values are ignored. */
export function filterOf(params: URLSearchParams): BoardFilter {
  const priority = params.get('priority');
  return {
    text: (params.get('q') ?? '').trim().slice(0, maxFilterLength),
    priority: isPriority(priority) ? priority : null,
    needsYou: params.get('needs') === 'you',
  };
}

/** The address with this filter. Its other parameters stay. */
export function withFilter(params: URLSearchParams, { text, priority, needsYou }: BoardFilter): URLSearchParams {
  const changed = new URLSearchParams(params);
  const set = (name: string, value: string): void => {
    if (value === '') changed.delete(name);
    else changed.set(name, value);
  };
  set('q', text.trim());
  set('priority', priority ?? '');
  set('needs', needsYou ? 'you' : '');
  return changed;
}

export function isFiltered({ text, priority, needsYou }: BoardFilter): boolean {
  return text !== '' || priority !== null || needsYou;
}

/** Whether a run waits for an answer, or the result for a review. */
export function needsPerson({ state, latestRun }: Pick<Task, 'state' | 'latestRun'>): boolean {
  return state === 'HUMAN_REVIEW' || latestRun?.state === 'waiting-for-answer';
}

export function matching(tasks: readonly Task[], filter: BoardFilter): readonly Task[] {
  if (!isFiltered(filter)) return tasks;
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return tasks.filter((task) => {
    if (filter.priority !== null && task.priority !== filter.priority) return false;
    if (filter.needsYou && !needsPerson(task)) return false;
    const text = `${task.title}\n${task.description}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
