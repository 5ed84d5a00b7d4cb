/**
 * The focus on the board. Each column has one card that the Tab key reaches; the arrow keys lead to the others. A card that
 * changes its column is another element of the page, so it gets its focus back. So does the next card when it is removed.
 */

import { useEffect, useEffectEvent, useLayoutEffect, useRef, useState, type FocusEvent, type RefObject } from 'react';

import type { TaskState } from '../../../shared/contract/tasks.ts';
import { cardLink, taskIdAt } from './card-elements.ts';
import { placeOf, type Columns, type Place } from './columns.ts';

export function useBoardFocus(board: RefObject<HTMLElement | null>, columns: Columns, openId: string | null) {
  const [activeId, setActiveId] = useState<string | null>(openId);
  const focused = useRef<{ taskId: string; place: Place | null } | null>(null);
  const followed = useRef<string | null>(null);

  const pending = useRef<string | null>(null);
  /** A card far below in its column is rendered first. */
  const on = (taskId: string): void => {
    const link = cardLink(board.current, taskId);
    link?.focus();
    if (link !== null) return;
    pending.current = taskId;
    setActiveId(taskId);
  };

  useLayoutEffect(() => {
    const before = focused.current;
    if (before !== null) {
      const place = placeOf(columns, before.taskId);
      if (document.activeElement === document.body) {
        const nextTo = before.place === null ? [] : columns[before.place.state];
        const next = place === null ? nextTo[Math.min(before.place?.index ?? 0, nextTo.length - 1)]?.id : before.taskId;
        focused.current = null;
        if (next !== undefined) cardLink(board.current, next)?.focus({ preventScroll: true });
      } else {
        focused.current = { taskId: before.taskId, place };
      }
    }
    if (pending.current !== null) cardLink(board.current, pending.current)?.focus();
    pending.current = null;
    if (followed.current !== null) scrollTo(board.current, followed.current);
    followed.current = null;
  });
  useOpenedCard(board, openId);

  return {
    on,
    follow: (taskId: string) => {
      followed.current = taskId;
    },
    tabbableIn: (state: TaskState): string | null => {
      const column = columns[state];
      return column.some(({ id }) => id === activeId) ? activeId : (column[0]?.id ?? null);
    },
    onFocus: (event: FocusEvent) => {
      const taskId = taskIdAt(event.target);
      if (taskId === undefined) return;
      focused.current = { taskId, place: placeOf(columns, taskId) };
      setActiveId(taskId);
    },
    onBlur: () => {
      focused.current = null;
    },
  };
}

/** The card of the panel stays in view when the panel makes the board narrower, and gets the focus when the panel is closed. */
function useOpenedCard(board: RefObject<HTMLElement | null>, openId: string | null): void {
  const before = useRef<string | null>(null);
  const onChange = useEffectEvent((opened: string | null, closed: string | null) => {
    if (opened !== null) scrollTo(board.current, opened);
    else if (closed !== null && document.activeElement === document.body) cardLink(board.current, closed)?.focus();
  });
  useEffect(() => {
    onChange(openId, before.current);
    before.current = openId;
  }, [openId]);
}

function scrollTo(board: Element | null, taskId: string): void {
  cardLink(board, taskId)?.closest('li')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}
