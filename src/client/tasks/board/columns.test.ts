import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { taskStates, type Task } from '../../../shared/contract/tasks.ts';
import { withExpected } from '../expected-changes.ts';
import { taskWith } from '../test-tasks.ts';
import { afterIdAt, clampedPlace, columnsOf, placeOf } from './columns.ts';

const idsOf = (tasks: readonly Task[]) => tasks.map(({ id }) => id);

describe('the columns of the board', () => {
  it('are sorted by position and id', () => {
    const { TODO, DONE } = columnsOf([
      taskWith({ id: '1', state: 'DONE', position: 'a' }),
      taskWith({ id: '2', state: 'TODO', position: 'b' }),
      taskWith({ id: '4', state: 'TODO', position: 'Z' }),
      taskWith({ id: '3', state: 'TODO', position: 'b' }),
    ]);
    expect([idsOf(TODO), idsOf(DONE)]).toEqual([['4', '2', '3'], ['1']]);
  });

  it('have places that count the other tasks', () => {
    const columns = columnsOf(['a', 'b', 'c'].map((id) => taskWith({ id, position: id })));
    expect(placeOf(columns, 'b')).toEqual({ state: 'TODO', index: 1 });
    expect(placeOf(columns, 'x')).toBeNull();
    expect(clampedPlace(columns, 'b', { state: 'TODO', index: 9 }).index).toBe(2);
    expect(clampedPlace(columns, 'x', { state: 'TODO', index: 9 }).index).toBe(3);
    expect(clampedPlace(columns, 'b', { state: 'DONE', index: -1 }).index).toBe(0);
  });
});

describe('the task above a place', () => {
  const all = columnsOf(['a', 'b', 'c', 'd', 'e'].map((id) => taskWith({ id, position: id })));
  const shown = { ...all, TODO: all.TODO.filter(({ id }) => 'bd'.includes(id)) };
  const above = (taskId: string, index: number) =>
    afterIdAt({ all, shown }, { taskId, place: { state: 'TODO', index } });

  it('is the shown one, and at the top the one that the filter hides above the first shown one', () => {
    expect([above('x', 0), above('x', 1), above('x', 2)]).toEqual(['a', 'b', 'd']);
    expect([above('b', 0), above('b', 1)]).toEqual(['c', 'd']);
  });

  it('is none in a column that shows no other task', () => {
    expect(afterIdAt({ all, shown }, { taskId: 'a', place: { state: 'DONE', index: 0 } })).toBeNull();
  });

  it('leads to the place that was chosen, whatever the filter hides', () => {
    const task = fc.record({
      state: fc.constantFrom(...taskStates),
      position: fc.integer({ min: 1, max: 400 }).map((number) => `0000${String(number).padStart(3, '0')}1`),
      isShown: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(task, { selector: ({ position }) => position, minLength: 1, maxLength: 12 }),
        fc.nat(),
        fc.constantFrom(...taskStates),
        fc.nat(12),
        (rows, chosen, state, index) => {
          const tasks = rows.map((row, at) => taskWith({ id: `${at}`, state: row.state, position: row.position }));
          const moved = tasks[chosen % tasks.length]!;
          const isShown = (id: string) => id === moved.id || rows[Number(id)]?.isShown === true;
          const before = columnsOf(tasks);
          const visible = columnsOf(tasks.filter(({ id }) => isShown(id)));
          const place = clampedPlace(visible, moved.id, { state, index });
          const afterId = afterIdAt({ all: before, shown: visible }, { taskId: moved.id, place });
          const after = withExpected(tasks, [{ key: '', taskId: moved.id, change: { type: 'move', state, afterId } }]);
          expect(placeOf(columnsOf(after.filter(({ id }) => isShown(id))), moved.id)).toEqual(place);
          // The order of the others is untouched.
          const others = (list: readonly Task[]) =>
            taskStates.map((each) => idsOf(columnsOf(list.filter(({ id }) => id !== moved.id))[each]));
          expect(others(after)).toEqual(others(tasks));
        },
      ),
    );
  });
});
