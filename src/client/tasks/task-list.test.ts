import { describe, expect, it } from 'vitest';

import { noUsage, type Run, type Task } from '../../shared/contract/tasks.ts';
import {
  durationOf,
  emptyTaskList,
  groupTasks,
  possibleActions,
  stepsOf,
  usageText,
  withTaskEvent,
} from './task-list.ts';

const at = '2026-11-28T10:00:00.000Z';

const runWith = (fields: Partial<Run>): Run => ({
  id: 'run',
  kind: 'work',
  taskId: 'task',
  projectId: 'project',
  continuesRunId: null,
  reviewsRunId: null,
  workspace: null,
  verdict: null,
  prompt: 'Do it.',
  desiredState: 'running',
  state: 'running',
  message: '',
  opencodeSessionId: 'ses_1',
  messageId: 'msg_1',
  pending: [],
  todos: [],
  usage: noUsage,
  diff: null,
  version: 1,
  createdAt: at,
  startedAt: at,
  endedAt: null,
  waitingSince: null,
  updatedAt: at,
  ...fields,
});

const taskWith = (fields: Partial<Task>): Task => ({
  id: 'task',
  projectId: 'project',
  title: 'A task',
  description: '',
  state: 'TODO',
  position: 'a',
  priority: 'normal',
  branch: null,
  latestRun: null,
  version: 1,
  createdAt: at,
  updatedAt: at,
  ...fields,
});

describe('the list of tasks', () => {
  it('is replaced by a snapshot, and changed by events that are not older', () => {
    const first = taskWith({ id: 'a', version: 5 });
    let state = withTaskEvent(emptyTaskList, { type: 'snapshot', tasks: [first] });
    expect(state).toEqual({ tasks: [first], isLoaded: true });
    state = withTaskEvent(state, { type: 'changed', task: taskWith({ id: 'a', version: 4, title: 'Old' }) });
    expect(state.tasks).toEqual([first]);
    const newer = taskWith({ id: 'a', version: 6, title: 'New' });
    const other = taskWith({ id: 'b' });
    for (const task of [newer, other]) state = withTaskEvent(state, { type: 'changed', task });
    expect(state.tasks).toEqual([newer, other]);
    expect(withTaskEvent(state, { type: 'removed', taskId: 'a' }).tasks).toEqual([other]);
  });

  it('is grouped by column in the order of the board, and sorted by position and id', () => {
    const tasks = [
      taskWith({ id: '1', state: 'DONE', position: 'a' }),
      taskWith({ id: '2', state: 'TODO', position: 'b' }),
      taskWith({ id: '4', state: 'TODO', position: 'Z' }),
      taskWith({ id: '3', state: 'TODO', position: 'b' }),
    ];
    expect(groupTasks(tasks).map(({ state, tasks: of }) => [state, of.map(({ id }) => id)])).toEqual([
      ['TODO', ['4', '2', '3']],
      ['DONE', ['1']],
    ]);
  });
});

describe('a run', () => {
  it('can be started when none is under way, aborted once, and followed up when it has ended', () => {
    const actionsOf = (run: Run | null) => possibleActions({ latestRun: run });
    expect(actionsOf(null)).toEqual({ canRun: true, canAbort: false, canFollowUp: false });
    expect(actionsOf(runWith({}))).toEqual({ canRun: false, canAbort: true, canFollowUp: false });
    expect(actionsOf(runWith({ desiredState: 'aborted' }))).toMatchObject({ canRun: false, canAbort: false });
    expect(actionsOf(runWith({ state: 'failed' }))).toEqual({ canRun: true, canAbort: false, canFollowUp: true });
    expect(actionsOf(runWith({ state: 'failed', opencodeSessionId: null }))).toMatchObject({ canFollowUp: false });
  });

  it('shows its steps without the cancelled ones', () => {
    const todo = (status: Run['todos'][number]['status']) => ({ content: 'x', status });
    expect(stepsOf({ todos: [todo('completed'), todo('in_progress'), todo('cancelled')] })).toBe('1 of 2 steps');
    expect(stepsOf({ todos: [todo('cancelled')] })).toBeNull();
  });

  it('shows how long it has worked, and never less than nothing when the clocks differ', () => {
    const startedAt = '2026-11-28T10:00:00.000Z';
    const now = Date.parse(startedAt);
    const after = (ms: number, endedAt: string | null = null) => durationOf({ startedAt, endedAt }, now + ms);
    expect([after(-5_000), after(42_000), after(12 * 60_000), after(125 * 60_000)]).toEqual([
      '0 s',
      '42 s',
      '12 min',
      '2 h 5 min',
    ]);
    expect(after(999_999, '2026-11-28T10:00:07.000Z')).toBe('7 s');
    expect(durationOf({ startedAt: null, endedAt: null }, now)).toBeNull();
  });

  it('shows what it has used', () => {
    expect(usageText({ usage: noUsage })).toBeNull();
    expect(usageText({ usage: { ...noUsage, inputTokens: 1_200, outputTokens: 34, cost: 0.051 } })).toBe(
      '1,234 tokens · $0.05',
    );
  });
});
