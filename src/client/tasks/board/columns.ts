/** The columns of the board, and places in them. Pure functions. */

import { taskStates, type Task, type TaskState } from '../../../shared/contract/tasks.ts';

/** The tasks of each column, in their order. */
export type Columns = Record<TaskState, readonly Task[]>;

/** A place in a column. `index`: how many tasks stand above it, without the task that is moved. */
export interface Place {
  state: TaskState;
  index: number;
}

export function byPosition(one: Pick<Task, 'position' | 'id'>, other: Pick<Task, 'position' | 'id'>): number {
  if (one.position !== other.position) return one.position < other.position ? -1 : 1;
  return one.id < other.id ? -1 : 1;
}

export function columnsOf(tasks: readonly Task[]): Columns {
  const columns: Record<TaskState, Task[]> = { TODO: [], IN_PROGRESS: [], AI_REVIEW: [], HUMAN_REVIEW: [], DONE: [] };
  for (const task of tasks.toSorted(byPosition)) columns[task.state].push(task);
  return columns;
}

/** Where a task is; `null` when it is in no column. */
export function placeOf(columns: Columns, taskId: string): Place | null {
  for (const state of taskStates) {
    const index = columns[state].findIndex(({ id }) => id === taskId);
    if (index !== -1) return { state, index };
  }
  return null;
}

/** The tasks of a column without the moved one. Places count these. */
export function othersIn(columns: Columns, state: TaskState, taskId: string): readonly Task[] {
  return columns[state].filter(({ id }) => id !== taskId);
}

/**
 * The task that will stand directly above, as `tasks.move` requires it; `null`: the top of the column. A filter hides tasks.
 * So a place at the top of the shown tasks is directly above the first one of them, and not the top of the column.
 * @param all with the tasks that a filter hides
 * @param place counts the shown tasks
 */
export function afterIdAt(
  { all, shown }: { all: Columns; shown: Columns },
  { taskId, place }: { taskId: string; place: Place },
): string | null {
  const others = othersIn(shown, place.state, taskId);
  const above = others[place.index - 1];
  if (above !== undefined) return above.id;
  const below = others[place.index];
  if (below === undefined) return null;
  const everyOther = othersIn(all, place.state, taskId);
  return everyOther[everyOther.findIndex(({ id }) => id === below.id) - 1]?.id ?? null;
}

/** Between the first and the last place of the column. */
export function clampedPlace(columns: Columns, taskId: string, { state, index }: Place): Place {
  return { state, index: Math.max(0, Math.min(index, othersIn(columns, state, taskId).length)) };
}
