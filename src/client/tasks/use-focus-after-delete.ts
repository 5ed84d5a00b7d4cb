/**
 * Where the focus goes when a task is deleted, in this window or in another one: to the card that takes its place, or to its column.
 * Without this the keyboard would begin at the top of the page again.
 */

import { useLayoutEffect, useRef, type RefObject } from 'react';

import type { Task } from '../../shared/contract/tasks.ts';
import { cardLink } from './board/card-elements.ts';
import { columnsOf, placeOf, type Place } from './board/columns.ts';

/**
 * @param tasks those that the board shows
 * @param watchedId the task whose panel or dialog has the focus
 * @returns what to call when the dialog has closed, because it has the focus until then
 */
export function useFocusAfterDelete(
  root: RefObject<HTMLElement | null>,
  tasks: readonly Task[],
  watchedId: string | null,
): () => void {
  const watched = useRef<{ taskId: string; place: Place } | null>(null);

  function settle(isFree: (element: Element | null) => boolean): void {
    if (watched.current === null || !isFree(document.activeElement)) return;
    const { place } = watched.current;
    watched.current = null;
    const column = columnsOf(tasks)[place.state];
    const next = column[Math.min(place.index, column.length - 1)]?.id;
    const target =
      (next === undefined ? null : cardLink(root.current, next)) ??
      root.current?.querySelector<HTMLElement>(`[data-column="${place.state}"] button`) ??
      root.current?.querySelector<HTMLElement>('button'); // there is no board without tasks
    target?.focus({ preventScroll: true });
  }

  useLayoutEffect(() => {
    const { current } = watched;
    if (current !== null && tasks.every(({ id }) => id !== current.taskId)) {
      settle((element) => element === document.body);
      return;
    }
    const place = watchedId === null ? null : placeOf(columnsOf(tasks), watchedId);
    watched.current = watchedId === null || place === null ? null : { taskId: watchedId, place };
  });

  return () => {
    const { current } = watched;
    if (current === null || tasks.some(({ id }) => id === current.taskId)) return;
    settle((element) => element === document.body || element?.closest('[role="dialog"]') != null);
  };
}
