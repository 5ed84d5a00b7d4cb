import { describe, expect, it } from 'vitest';

import { noUsage, type Run, type Task } from '../../shared/contract/tasks.ts';
import { columnsOf } from './board/columns.ts';
import type { TaskChange } from './expected-changes.ts';
import {
  durationOf,
  emptyTaskList,
  possibleActions,
  shownTasks,
  stepsOf,
  usageText,
  withTaskEvent,
  type TaskListState,
} from './task-list.ts';
import { runWith, taskWith } from './test-tasks.ts';

describe('the list of tasks', () => {
  const loaded = (...tasks: Task[]) => withTaskEvent(emptyTaskList, { type: 'snapshot', tasks });

  it('is replaced by a snapshot, and changed by events that are newer', () => {
    const first = taskWith({ id: 'a', version: 5 });
    let state = loaded(first);
    expect(state).toMatchObject({ tasks: [first], isLoaded: true });
    for (const version of [4, 5]) {
      state = withTaskEvent(state, { type: 'changed', task: taskWith({ id: 'a', version, title: 'Old' }) });
    }
    expect(state.tasks).toEqual([first]);
    const newer = taskWith({ id: 'a', version: 6, title: 'New' });
    const other = taskWith({ id: 'b' });
    for (const task of [newer, other]) state = withTaskEvent(state, { type: 'changed', task });
    expect(state.tasks).toEqual([newer, other]);
    expect(withTaskEvent(state, { type: 'removed', taskId: 'a' }).tasks).toEqual([other]);
  });

  it('keeps an answer that is newer than a snapshot', () => {
    const newer = taskWith({ id: 'a', version: 6 });
    const state = withTaskEvent(loaded(newer), {
      type: 'snapshot',
      tasks: [taskWith({ id: 'a', version: 5 }), taskWith({ id: 'b' })],
    });
    expect(state.tasks).toEqual([newer, taskWith({ id: 'b' })]);
  });

  const expectChange = (state: TaskListState, key: string, taskId: string, change: TaskChange) =>
    withTaskEvent(state, { type: 'expected', key, taskId, change });
  const order = (state: TaskListState, column: Task['state']) =>
    columnsOf(shownTasks(state))[column].map(({ id }) => id);

  it('shows moves before they are answered, each on top of the one before', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((id, index) => taskWith({ id, position: `0000000${index + 1}` }));
    let state = loaded(a!, b!, c!);
    state = expectChange(state, '1', 'c', { type: 'move', state: 'TODO', afterId: null });
    expect(order(state, 'TODO')).toEqual(['c', 'a', 'b']);
    state = expectChange(state, '2', 'b', { type: 'move', state: 'TODO', afterId: 'c' });
    expect(order(state, 'TODO')).toEqual(['c', 'b', 'a']);
    state = expectChange(state, '3', 'a', { type: 'move', state: 'DONE', afterId: null });
    expect([order(state, 'TODO'), order(state, 'DONE')]).toEqual([['c', 'b'], ['a']]);
    state = withTaskEvent(state, { type: 'accepted', key: '1', task: { ...c!, position: '00000001', version: 2 } });
    expect([order(state, 'TODO'), order(state, 'DONE')]).toEqual([['c', 'b'], ['a']]);
  });

  it('takes a refused change back, and keeps what happened meanwhile', () => {
    const task = taskWith({ id: 'a', version: 1 });
    let state = expectChange(loaded(task), '1', 'a', { type: 'move', state: 'DONE', afterId: null });
    state = expectChange(state, '2', 'a', { type: 'update', patch: { priority: 'high' } });
    const renamed = { ...task, version: 2, title: 'New' };
    state = withTaskEvent(state, { type: 'changed', task: renamed });
    expect(shownTasks(state)).toMatchObject([{ state: 'DONE', priority: 'high', title: 'New' }]);
    state = withTaskEvent(state, { type: 'refused', key: '1' });
    expect(shownTasks(state)).toEqual([{ ...renamed, priority: 'high' }]);
    state = withTaskEvent(state, { type: 'refused', key: '2' });
    expect(shownTasks(state)).toEqual([renamed]);
  });

  it('hides a deleted task at once, and does not show it again for an event that is late', () => {
    const task = taskWith({ id: 'a' });
    let state = expectChange(loaded(task), '1', 'a', { type: 'delete' });
    expect(shownTasks(state)).toEqual([]);
    expect(shownTasks(withTaskEvent(state, { type: 'refused', key: '1' }))).toEqual([task]);
    state = withTaskEvent(state, { type: 'accepted', key: '1', task: null });
    state = withTaskEvent(state, { type: 'changed', task: { ...task, version: 9 } });
    state = withTaskEvent(state, { type: 'snapshot', tasks: [{ ...task, version: 9 }] });
    expect(shownTasks(state)).toEqual([]);
  });

  it('shows a move whose neighbour has gone, or has the same position as the next task', () => {
    const tasks = ['a', 'b', 'c'].map((id) => taskWith({ id, position: '00000001' }));
    let state = expectChange(loaded(...tasks), '1', 'c', { type: 'move', state: 'TODO', afterId: 'gone' });
    expect(order(state, 'TODO')).toEqual(['c', 'a', 'b']);
    state = expectChange(loaded(...tasks), '1', 'c', { type: 'move', state: 'TODO', afterId: 'a' });
    expect(order(state, 'TODO')).toEqual(['a', 'b', 'c']);
  });
});

describe('a run', () => {
  it('can be started when none is under way, aborted once, and followed up when it has ended', () => {
    const actionsOf = (run: Run | null) => possibleActions({ latestRun: run }, false);
    expect(actionsOf(null)).toEqual({ canRun: true, canAbort: false, canFollowUp: false });
    expect(actionsOf(runWith({}))).toEqual({ canRun: false, canAbort: true, canFollowUp: false });
    expect(actionsOf(runWith({ desiredState: 'aborted' }))).toMatchObject({ canRun: false, canAbort: false });
    expect(actionsOf(runWith({ state: 'failed' }))).toEqual({ canRun: true, canAbort: false, canFollowUp: true });
    expect(actionsOf(runWith({ state: 'failed', opencodeSessionId: null }))).toMatchObject({ canFollowUp: false });
    const nothingNew = (run: Run | null) => possibleActions({ latestRun: run }, true);
    expect(nothingNew(null)).toEqual({ canRun: false, canAbort: false, canFollowUp: false });
    expect(nothingNew(runWith({ state: 'failed' }))).toMatchObject({ canRun: false, canFollowUp: false });
    expect(nothingNew(runWith({}))).toMatchObject({ canAbort: true });
  });

  it('shows its steps without the cancelled ones', () => {
    const todo = (status: Run['todos'][number]['status']) => ({ content: 'x', status });
    expect(stepsOf({ todos: [todo('completed'), todo('in_progress'), todo('cancelled')] })).toEqual({
      done: 1,
      total: 2,
    });
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
