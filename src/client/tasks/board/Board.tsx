/**
 * The board of a project: a column for each state, and the tasks in them as cards. Cards are moved by pointer
 * (`pointer-drag.ts`), by keys (`board-keys.ts`) and by their menu. On a phone the board is one column wide: the switch and a
 * swipe lead to the others.
 */

import { VisuallyHidden } from '@mantine/core';
import { useMemo, useRef, useState, type MouseEvent } from 'react';

import { taskStates, type Task, type TaskState } from '../../../shared/contract/tasks.ts';
import { useMayChangeTasks } from '../task-commands.ts';
import { BoardColumn } from './BoardColumn.tsx';
import { cardLink, taskIdAt } from './card-elements.ts';
import { columnsOf } from './columns.ts';
import { ColumnSwitch } from './ColumnSwitch.tsx';
import { TaskMenu, type MenuPlace } from './TaskMenu.tsx';
import { useBoardFocus } from './use-board-focus.ts';
import { useBoardKeys } from './use-board-keys.ts';
import { useLift } from './use-lift.ts';

import classes from './board.module.css';

interface BoardProps {
  tasks: readonly Task[];
  /** Those of `tasks` that the filter shows. */
  shownTasks: readonly Task[];
  openId: string | null;
  onOpen: (taskId: string) => void;
  /** `null`: no task can be added. */
  onAdd: ((state: TaskState, place: 'top' | 'bottom') => void) | null;
  onDelete: (task: Task) => void;
}

export function Board({ tasks, shownTasks, openId, onOpen, onAdd, onDelete }: BoardProps) {
  const all = useMemo(() => columnsOf(tasks), [tasks]);
  const shown = useMemo(() => columnsOf(shownTasks), [shownTasks]);
  const board = useRef<HTMLElement>(null);
  const mayChange = useMayChangeTasks();
  const [menu, setMenu] = useState<MenuPlace | null>(null);
  const focus = useBoardFocus(board, shown, openId);
  const lift = useLift({ board, all, shown });
  const openMenu = (taskId: string): void => {
    const box = cardLink(board.current, taskId)?.closest('li')?.getBoundingClientRect();
    setMenu({ taskId, x: (box?.right ?? 0) - 34, y: (box?.top ?? 0) + 34 });
  };
  const onKeyDown = useBoardKeys({ shown, lift, focusOn: focus.on, follow: focus.follow, onMenu: openMenu, onDelete });

  const onClick = (event: MouseEvent): void => {
    const taskId = event.target instanceof Element ? taskIdAt(event.target) : undefined;
    if (taskId === undefined || !(event.target instanceof Element)) return;
    if (event.target.closest('[data-menu]') !== null) openMenu(taskId);
    // With a modifier the browser opens the link in a new tab or window.
    else if (event.target.closest('a, [data-opens]') !== null && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
      event.preventDefault();
      onOpen(taskId);
    }
  };
  const onContextMenu = (event: MouseEvent): void => {
    const taskId = event.target instanceof Element ? taskIdAt(event.target) : undefined;
    if (taskId === undefined || !mayChange) return;
    event.preventDefault();
    setMenu({ taskId, x: event.clientX, y: event.clientY });
  };

  return (
    <>
      <ColumnSwitch board={board} columns={shown} />
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- its cards have links, which take the focus */}
      <section
        ref={board}
        className={classes.board}
        aria-label="Board"
        onClick={onClick}
        onContextMenu={onContextMenu}
        onKeyDown={onKeyDown}
        onFocus={focus.onFocus}
        onBlur={() => {
          focus.onBlur();
          lift.cancelByKeys();
        }}
      >
        {taskStates.map((state) => (
          <BoardColumn
            key={state}
            state={state}
            tasks={shown[state]}
            total={all[state].length}
            openId={openId}
            tabbableId={focus.tabbableIn(state)}
            liftedId={lift.liftedIn(state)}
            dropIndex={lift.lifted?.place.state === state ? lift.lifted.place.index : null}
            onAdd={onAdd}
          />
        ))}
      </section>
      <VisuallyHidden component="output" aria-live="assertive">
        {lift.announcement}
      </VisuallyHidden>
      <TaskMenu
        place={menu}
        task={tasks.find(({ id }) => id === menu?.taskId)}
        columns={all}
        onClose={() => setMenu(null)}
        returnFocus={focus.on}
        onOpen={onOpen}
        onDelete={onDelete}
      />
    </>
  );
}
