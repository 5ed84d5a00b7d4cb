/** What a screen reader says while a task is moved. Pure functions. */

import type { Task } from '../../../shared/contract/tasks.ts';
import { stateLabels } from '../task-list.ts';
import { othersIn, type Columns, type Place } from './columns.ts';

/** "In progress, place 1 of 3". */
export function placeText(columns: Columns, taskId: string, { state, index }: Place): string {
  return `${stateLabels[state]}, place ${index + 1} of ${othersIn(columns, state, taskId).length + 1}`;
}

const named = ({ title }: Pick<Task, 'title'>): string => `“${title}”`;

export const liftedText = (task: Task, place: string): string =>
  `${named(task)} is lifted. ${place}. Arrow keys choose a place, Space drops it there, Escape puts it back.`;
export const droppedText = (task: Task, place: string): string => `${named(task)} was dropped. ${place}.`;
export const putBackText = (task: Task): string => `${named(task)} was put back.`;
