/** The tasks of a project as the user interface keeps and shows them. Pure functions. */

import {
  hasEnded,
  taskStates,
  type Run,
  type Task,
  type TaskEvent,
  type TaskState,
} from '../../shared/contract/tasks.ts';

export interface TaskListState {
  tasks: readonly Task[];
  /** Whether a snapshot has arrived. */
  isLoaded: boolean;
}

export const emptyTaskList: TaskListState = { tasks: [], isLoaded: false };

/** The list after this event. A task with an older version than the known one is dropped. */
export function withTaskEvent(state: TaskListState, event: TaskEvent): TaskListState {
  switch (event.type) {
    case 'snapshot':
      return { tasks: event.tasks, isLoaded: true };
    case 'changed':
      return { ...state, tasks: withTask(state.tasks, event.task) };
    case 'removed':
      return { ...state, tasks: state.tasks.filter(({ id }) => id !== event.taskId) };
  }
}

function withTask(tasks: readonly Task[], task: Task): readonly Task[] {
  const known = tasks.find(({ id }) => id === task.id);
  if (known === undefined) return [...tasks, task];
  return known.version > task.version ? tasks : tasks.map((each) => (each === known ? task : each));
}

export interface TaskGroup {
  state: TaskState;
  tasks: Task[];
}

/** The tasks by column, each column in its order. Columns without tasks are left out. */
export function groupTasks(tasks: readonly Task[]): TaskGroup[] {
  return taskStates
    .map((state) => ({ state, tasks: tasks.filter((task) => task.state === state).toSorted(byPosition) }))
    .filter((group) => group.tasks.length > 0);
}

function byPosition(one: Task, other: Task): number {
  if (one.position !== other.position) return one.position < other.position ? -1 : 1;
  return one.id < other.id ? -1 : 1;
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
} satisfies Record<Task['priority'], string>;

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

/** "3 of 7 steps"; `null` without a list of steps. */
export function stepsOf({ todos }: Pick<Run, 'todos'>): string | null {
  const counted = todos.filter(({ status }) => status !== 'cancelled');
  if (counted.length === 0) return null;
  const done = counted.filter(({ status }) => status === 'completed').length;
  return `${done} of ${counted.length} ${counted.length === 1 ? 'step' : 'steps'}`;
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

/** What can be done with a task now. */
export function possibleActions({ latestRun: run }: Pick<Task, 'latestRun'>): {
  canRun: boolean;
  canAbort: boolean;
  canFollowUp: boolean;
} {
  const isUnderWay = run !== null && !hasEnded(run);
  return {
    canRun: !isUnderWay,
    canAbort: isUnderWay && run.desiredState === 'running',
    canFollowUp: run !== null && hasEnded(run) && run.opencodeSessionId !== null,
  };
}

/** "1,234 tokens · $0.05"; `null` when nothing was used yet. */
export function usageText({ usage }: Pick<Run, 'usage'>): string | null {
  const tokens = usage.inputTokens + usage.outputTokens + usage.reasoningTokens;
  if (tokens === 0) return null;
  const cost = usage.cost > 0 ? ` · $${usage.cost < 0.01 ? usage.cost.toFixed(4) : usage.cost.toFixed(2)}` : '';
  return `${tokens.toLocaleString('en')} tokens${cost}`;
}
