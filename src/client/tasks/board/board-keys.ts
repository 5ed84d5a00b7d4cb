/** What a key does on the board. Pure functions; `use-board-keys.ts` carries it out. */

import { taskStates, type TaskState } from '../../../shared/contract/tasks.ts';
import { clampedPlace, placeOf, type Columns, type Place } from './columns.ts';

export type BoardAction =
  | { type: 'focus'; taskId: string }
  | { type: 'lift'; place: Place }
  /** The place that the lifted task would go to. */
  | { type: 'place'; place: Place }
  | { type: 'drop' }
  | { type: 'cancel' }
  | { type: 'run' | 'menu' | 'delete' };

interface KeyInput {
  key: string;
  /** The task that has the focus. */
  taskId: string;
  /** Where the task would go, while it is lifted. */
  lifted: Place | null;
  /** Whether single letters are shortcuts. */
  singleKeys: boolean;
}

/** Returns `null` for a key that the board leaves to the browser. */
export function boardAction(columns: Columns, { key, taskId, lifted, singleKeys }: KeyInput): BoardAction | null {
  if (lifted !== null) return liftedAction(columns, taskId, lifted, key);
  const place = placeOf(columns, taskId);
  if (place === null) return null;
  switch (key) {
    case ' ':
      return { type: 'lift', place };
    case 'Delete':
      return { type: 'delete' };
    case 'r':
      return singleKeys ? { type: 'run' } : null;
    case 'm':
      return singleKeys ? { type: 'menu' } : null;
    default: {
      const next = focusAt(columns, place, key);
      return next === undefined ? null : { type: 'focus', taskId: next };
    }
  }
}

function liftedAction(columns: Columns, taskId: string, lifted: Place, key: string): BoardAction | null {
  if (key === ' ' || key === 'Enter') return { type: 'drop' };
  if (key === 'Escape') return { type: 'cancel' };
  const { state, index } = lifted;
  const place = moved({ state, index }, key);
  return place === null ? null : { type: 'place', place: clampedPlace(columns, taskId, place) };
}

function moved({ state, index }: Place, key: string): Place | null {
  switch (key) {
    case 'ArrowUp':
      return { state, index: index - 1 };
    case 'ArrowDown':
      return { state, index: index + 1 };
    case 'Home':
      return { state, index: 0 };
    case 'End':
      return { state, index: Infinity };
    case 'ArrowLeft':
      return { state: beside(state, -1) ?? state, index };
    case 'ArrowRight':
      return { state: beside(state, 1) ?? state, index };
    default:
      return null;
  }
}

/** Arrows to the side skip empty columns. */
function focusAt(columns: Columns, place: Place, key: string): string | undefined {
  const target = moved(place, key);
  if (target === null) return undefined;
  let state: TaskState | undefined = target.state;
  while (state !== undefined && columns[state].length === 0) state = beside(state, key === 'ArrowLeft' ? -1 : 1);
  const column = state === undefined ? [] : columns[state];
  return column[Math.max(0, Math.min(target.index, column.length - 1))]?.id;
}

function beside(state: TaskState, step: 1 | -1): TaskState | undefined {
  return taskStates[taskStates.indexOf(state) + step];
}
