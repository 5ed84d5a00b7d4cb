/** A column of the board: its name, how many tasks it has, and its cards. The list of cards scrolls. */

import { ActionIcon, UnstyledButton } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { Fragment, memo, startTransition, useEffect, useId, useRef, useState } from 'react';

import type { Task, TaskState } from '../../../shared/contract/tasks.ts';
import { useMayChangeTasks } from '../task-commands.ts';
import { stateLabels } from '../task-list.ts';
import { columnIcons, emptyTexts } from './column-labels.ts';
import { TaskCard } from './TaskCard.tsx';

import classes from './board.module.css';

interface BoardColumnProps {
  state: TaskState;
  tasks: readonly Task[];
  /** With the tasks that the filter hides. */
  total: number;
  openId: string | null;
  /** The card that the Tab key reaches. */
  tabbableId: string | null;
  liftedId: string | null;
  /** Before which of the other tasks the lifted one would go; `null` when it would go to another column. */
  dropIndex: number | null;
  onAdd: (state: TaskState, place: 'top' | 'bottom') => void;
}

export const BoardColumn = memo(function BoardColumn(props: BoardColumnProps) {
  const { state, tasks, total, openId, tabbableId, liftedId, dropIndex, onAdd } = props;
  const titleId = useId();
  const mayAdd = useMayChangeTasks();
  const Icon = columnIcons[state];
  const label = stateLabels[state];
  const dropBefore = dropIndex === null ? null : (tasks.filter(({ id }) => id !== liftedId)[dropIndex]?.id ?? 'end');
  const { count, hasMore, end } = useRendered(tasks, tabbableId, openId);
  return (
    <section
      className={classes.column}
      data-column={state}
      data-target={dropIndex !== null || undefined}
      aria-labelledby={titleId}
    >
      <header className={classes.columnHead}>
        <h2 className={classes.columnTitle} id={titleId}>
          <Icon size={15} stroke={1.9} aria-hidden="true" className={classes.columnIcon} /> {label}{' '}
          <span className={classes.count}>{tasks.length === total ? total : `${tasks.length} of ${total}`}</span>
        </h2>
        {mayAdd && (
          <ActionIcon
            className={classes.add ?? ''}
            variant="subtle"
            color="gray"
            size={26}
            aria-label={`Add a task at the top of “${label}”`}
            onClick={() => onAdd(state, 'top')}
          >
            <IconPlus size={15} stroke={1.8} />
          </ActionIcon>
        )}
      </header>
      <ul className={classes.cards} data-cards>
        {tasks.slice(0, count).map((task) => (
          <Fragment key={task.id}>
            {task.id === dropBefore && <DropPlace />}
            <TaskCard
              task={task}
              isOpen={task.id === openId}
              isTabbable={task.id === tabbableId}
              isLifted={task.id === liftedId}
            />
          </Fragment>
        ))}
        {dropBefore === 'end' && <DropPlace />}
        {hasMore && <li ref={end} className={classes.end} aria-hidden="true" />}
        {tasks.length === 0 && dropBefore === null && (
          <li className={classes.nothing}>{total === 0 ? emptyTexts[state] : 'No task matches the filter'}</li>
        )}
      </ul>
      {mayAdd && (
        <UnstyledButton
          className={classes.addLast}
          aria-label={`Add task at the end of “${label}”`}
          onClick={() => onAdd(state, 'bottom')}
        >
          <IconPlus size={14} stroke={1.8} aria-hidden="true" /> Add task
        </UnstyledButton>
      )}
    </section>
  );
});

/** Where the lifted card would go. */
function DropPlace() {
  return <li className={classes.dropPlace} aria-hidden="true" />;
}

/** As many cards are rendered at a time. */
const batch = 14;

/**
 * How many cards are rendered. Scrolling near the last one renders more, and so does a focus further below. So a long column
 * costs no more than a short one when the board opens.
 */
function useRendered(tasks: readonly Task[], ...neededIds: (string | null)[]) {
  const [limit, setLimit] = useState(batch);
  const lowest = Math.max(...neededIds.map((neededId) => tasks.findIndex(({ id }) => id === neededId)));
  const count = Math.min(Math.max(limit, lowest + batch), tasks.length);
  const hasMore = count < tasks.length;
  const end = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (!hasMore || end.current === null) return undefined;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting === true) startTransition(() => setLimit(count + batch));
      },
      // The list scrolls. Its margin does not count when the root is the window.
      { root: end.current.parentElement, rootMargin: '400px 0px' },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [count, hasMore]);
  return { count, hasMore, end };
}
