/** The tasks of a project as the user interface keeps and shows them. Pure functions. */

import {
  hasEnded,
  type Run,
  type Task,
  type TaskEvent,
  type TaskPriority,
  type TaskState,
} from '../../shared/contract/tasks.ts';
import { withExpected, type ExpectedChange } from './expected-changes.ts';

export interface TaskListState {
  /** As the server has reported them. {@link shownTasks} are what the page shows. */
  tasks: readonly Task[];
  /** Whether a snapshot has arrived. */
  isLoaded: boolean;
  /** What this window has sent and the server has not answered yet, in the order of the calls. */
  expected: readonly ExpectedChange[];
  /** What this window has deleted. An event may be older than the answer. */
  deletedIds: ReadonlySet<string>;
}

export type TaskListEvent =
  | TaskEvent
  /** A change was sent. */
  | ({ type: 'expected' } & ExpectedChange)
  /** The server has answered the change with this key. `task`: what the task is now; `null`: it was deleted. */
  | { type: 'accepted'; key: string; task: Task | null }
  | { type: 'refused'; key: string };

export const emptyTaskList: TaskListState = { tasks: [], isLoaded: false, expected: [], deletedIds: new Set() };

/** The tasks with the changes that are under way. */
export function shownTasks({ tasks, expected }: TaskListState): readonly Task[] {
  return withExpected(tasks, expected);
}

/** The list after this event. A task that is not newer than the known one is dropped. */
export function withTaskEvent(state: TaskListState, event: TaskListEvent): TaskListState {
  switch (event.type) {
    case 'snapshot':
      return { ...state, tasks: withSnapshot(state, event.tasks), isLoaded: true };
    case 'changed':
      return { ...state, tasks: withTask(state, event.task) };
    case 'removed':
      return { ...state, tasks: state.tasks.filter(({ id }) => id !== event.taskId) };
    case 'expected': {
      const { key, taskId, change } = event;
      return { ...state, expected: [...state.expected, { key, taskId, change }] };
    }
    case 'accepted': {
      const taskId = state.expected.find(({ key }) => key === event.key)?.taskId;
      const settled = withoutExpected(state, event.key);
      if (event.task !== null) return { ...settled, tasks: withTask(settled, event.task) };
      const deletedIds = taskId === undefined ? state.deletedIds : new Set([...state.deletedIds, taskId]);
      return { ...settled, deletedIds, tasks: settled.tasks.filter(({ id }) => id !== taskId) };
    }
    case 'refused':
      return withoutExpected(state, event.key);
  }
}

function withoutExpected(state: TaskListState, key: string): TaskListState {
  return { ...state, expected: state.expected.filter((each) => each.key !== key) };
}

/** An answer to this window may be newer than the snapshot. */
function withSnapshot({ tasks, deletedIds }: TaskListState, snapshot: readonly Task[]): readonly Task[] {
  const known = new Map(tasks.map((task) => [task.id, task]));
  return snapshot
    .filter(({ id }) => !deletedIds.has(id))
    .map((task) => {
      const before = known.get(task.id);
      return before !== undefined && before.version >= task.version ? before : task;
    });
}

function withTask({ tasks, deletedIds }: TaskListState, task: Task): readonly Task[] {
  if (deletedIds.has(task.id)) return tasks;
  const known = tasks.find(({ id }) => id === task.id);
  if (known === undefined) return [...tasks, task];
  return known.version >= task.version ? tasks : tasks.map((each) => (each === known ? task : each));
}

export const stateLabels = {
  TODO: 'To do',
  IN_PROGRESS: 'In progress',
  AI_REVIEW: 'AI review',
  HUMAN_REVIEW: 'Your review',
  DONE: 'Done',
} satisfies Record<TaskState, string>;

export const priorityLabels = {
  low: 'Low',
  normal: 'Normal',
  high: 'High',
  urgent: 'Urgent',
} satisfies Record<TaskPriority, string>;

/** From the least to the most urgent. */
export const priorities = Object.keys(priorityLabels) as TaskPriority[]; // the keys of the record above

export function isPriority(text: string | null): text is TaskPriority {
  return priorities.some((priority) => priority === text);
}

export interface RunBadge {
  label: string;
  tone: 'ok' | 'wait' | 'bad' | 'idle' | 'done';
  icon: 'queued' | 'working' | 'asks' | 'done' | 'failed' | 'aborted';
}

export function badgeOfRun({ state }: Pick<Run, 'state'>): RunBadge {
  switch (state) {
    case 'queued':
      return { label: 'Queued', tone: 'wait', icon: 'queued' };
    case 'waiting-for-project':
      return { label: 'Waits for the project', tone: 'wait', icon: 'queued' };
    case 'running':
      return { label: 'Working', tone: 'done', icon: 'working' };
    case 'waiting-for-answer':
      return { label: 'Needs your answer', tone: 'wait', icon: 'asks' };
    case 'succeeded':
      return { label: 'Finished', tone: 'ok', icon: 'done' };
    case 'failed':
      return { label: 'Failed', tone: 'bad', icon: 'failed' };
    case 'aborted':
      return { label: 'Aborted', tone: 'idle', icon: 'aborted' };
  }
}

/** How many steps of the agent are done, without the cancelled ones; `null` without steps. */
export function stepsOf({ todos }: Pick<Run, 'todos'>): { done: number; total: number } | null {
  const counted = todos.filter(({ status }) => status !== 'cancelled');
  if (counted.length === 0) return null;
  return { done: counted.filter(({ status }) => status === 'completed').length, total: counted.length };
}

/** How long the run has worked, such as "42 s", "12 min" or "2 h 5 min"; `null` before it has begun. */
export function durationOf({ startedAt, endedAt }: Pick<Run, 'startedAt' | 'endedAt'>, nowMs: number): string | null {
  if (startedAt === null) return null;
  const seconds = Math.max(
    0,
    Math.round(((endedAt === null ? nowMs : Date.parse(endedAt)) - Date.parse(startedAt)) / 1_000),
  );
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * What can be done with a task now.
 * @param isRefused the project takes no new work
 */
export function possibleActions(
  { latestRun: run }: Pick<Task, 'latestRun'>,
  isRefused: boolean,
): {
  canRun: boolean;
  canAbort: boolean;
  canFollowUp: boolean;
} {
  const isUnderWay = run !== null && !hasEnded(run);
  return {
    canRun: !isUnderWay && !isRefused,
    canAbort: isUnderWay && run.desiredState === 'running',
    canFollowUp: !isRefused && run !== null && hasEnded(run) && run.opencodeSessionId !== null,
  };
}

/** "1,234 tokens · $0.05"; `null` when nothing was used yet. */
export function usageText({ usage }: Pick<Run, 'usage'>): string | null {
  const tokens = usage.inputTokens + usage.outputTokens + usage.reasoningTokens;
  if (tokens === 0) return null;
  const cost = usage.cost > 0 ? ` · $${usage.cost < 0.01 ? usage.cost.toFixed(4) : usage.cost.toFixed(2)}` : '';
  return `${tokens.toLocaleString('en')} tokens${cost}`;
}
