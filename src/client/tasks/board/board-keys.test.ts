import { describe, expect, it } from 'vitest';

import type { TaskState } from '../../../shared/contract/tasks.ts';
import { taskWith } from '../test-tasks.ts';
import { boardAction } from './board-keys.ts';
import { columnsOf, type Place } from './columns.ts';

const inColumn = (state: TaskState, ...ids: string[]) => ids.map((id) => taskWith({ id, state, position: id }));
const columns = columnsOf([
  ...inColumn('TODO', 'a', 'b', 'c'),
  ...inColumn('AI_REVIEW', 'd'),
  ...inColumn('DONE', 'e', 'f'),
]);

const press = (taskId: string, key: string, lifted: Place | null = null) =>
  boardAction(columns, { key, taskId, lifted, singleKeys: true });
const focusAfter = (taskId: string, key: string) => {
  const action = press(taskId, key);
  return action?.type === 'focus' ? action.taskId : null;
};

describe('a key on a task', () => {
  it('moves the focus within the column, and stops at its ends', () => {
    expect(['ArrowDown', 'ArrowUp', 'Home', 'End'].map((key) => focusAfter('b', key))).toEqual(['c', 'a', 'a', 'c']);
    expect([focusAfter('a', 'ArrowUp'), focusAfter('c', 'ArrowDown')]).toEqual(['a', 'c']);
  });

  it('moves the focus to the same height of the next column that has tasks', () => {
    expect([focusAfter('b', 'ArrowRight'), focusAfter('d', 'ArrowRight')]).toEqual(['d', 'e']);
    expect([focusAfter('f', 'ArrowLeft'), focusAfter('d', 'ArrowLeft')]).toEqual(['d', 'a']);
    expect([focusAfter('b', 'ArrowLeft'), focusAfter('f', 'ArrowRight')]).toEqual(['b', 'f']);
  });

  it('lifts the task where it is', () => {
    expect(press('b', ' ')).toEqual({ type: 'lift', place: { state: 'TODO', index: 1 } });
  });

  it('is left to the browser when it means nothing', () => {
    for (const key of ['Enter', 'Tab', 'x']) expect(press('b', key)).toBeNull();
    expect(press('unknown', ' ')).toBeNull();
  });

  it('is no shortcut when it is a letter and letters are turned off', () => {
    const input = { taskId: 'a', lifted: null };
    expect(boardAction(columns, { ...input, key: 'r', singleKeys: true })).toEqual({ type: 'run' });
    expect(boardAction(columns, { ...input, key: 'r', singleKeys: false })).toBeNull();
  });
});

describe('a key while a task is lifted', () => {
  const place = (state: TaskState, index: number): Place => ({ state, index });
  const placeAfter = (key: string, lifted: Place) => {
    const action = press('b', key, lifted);
    return action?.type === 'place' ? action.place : null;
  };

  it('chooses a place among the other tasks, also in an empty column', () => {
    expect(placeAfter('ArrowDown', place('TODO', 1))).toEqual(place('TODO', 2));
    expect(placeAfter('ArrowDown', place('TODO', 2))).toEqual(place('TODO', 2));
    expect(placeAfter('ArrowUp', place('TODO', 0))).toEqual(place('TODO', 0));
    expect(placeAfter('ArrowRight', place('TODO', 2))).toEqual(place('IN_PROGRESS', 0));
    expect(placeAfter('ArrowRight', place('DONE', 2))).toEqual(place('DONE', 2));
    expect(placeAfter('ArrowLeft', place('TODO', 0))).toEqual(place('TODO', 0));
    expect(placeAfter('End', place('DONE', 0))).toEqual(place('DONE', 2));
    expect(placeAfter('Home', place('DONE', 2))).toEqual(place('DONE', 0));
  });

  it('drops or cancels', () => {
    const lifted = place('DONE', 0);
    expect([' ', 'Enter', 'Escape'].map((key) => press('b', key, lifted)?.type)).toEqual(['drop', 'drop', 'cancel']);
    expect(press('b', 'r', lifted)).toBeNull();
  });
});
