/** Changes of tasks that this window has sent and the server has not answered yet. They are shown at once. Pure functions. */

import { positionBetween } from '../../shared/contract/position.ts';
import type { Task, TaskState } from '../../shared/contract/tasks.ts';
import { byPosition } from './board/columns.ts';

export type TaskPatch = Partial<Pick<Task, 'title' | 'description' | 'priority'>>;

export type TaskChange =
  /** `afterId`: the task directly above; `null`: the top of the column. */
  | { type: 'move'; state: TaskState; afterId: string | null }
  | { type: 'update'; patch: TaskPatch }
  | { type: 'delete' };

export interface ExpectedChange {
  /** Identifies the call. */
  key: string;
  taskId: string;
  change: TaskChange;
}

/** The tasks as they will be when the server has accepted the changes, in their order. */
export function withExpected(tasks: readonly Task[], expected: readonly ExpectedChange[]): readonly Task[] {
  return expected.reduce(withChange, tasks);
}

function withChange(tasks: readonly Task[], { taskId, change }: ExpectedChange): readonly Task[] {
  switch (change.type) {
    case 'delete':
      return tasks.filter(({ id }) => id !== taskId);
    case 'update':
      return tasks.map((task) => (task.id === taskId ? { ...task, ...change.patch } : task));
    case 'move': {
      const { state, afterId } = change;
      const others = tasks.filter((task) => task.state === state && task.id !== taskId);
      const position = positionBelow(others, afterId);
      return tasks.map((task) => (task.id === taskId ? { ...task, state, position } : task));
    }
  }
}

/** The position that the server will choose. Without the task above, the server refuses: the top is as good as another place. */
function positionBelow(column: readonly Task[], afterId: string | null): string {
  const above = column.find(({ id }) => id === afterId)?.position ?? null;
  const below = column.toSorted(byPosition).find(({ position }) => above === null || position > above);
  return positionBetween(above, below?.position ?? null);
}
