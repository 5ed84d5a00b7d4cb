/** The list that the agent keeps of its own steps. */

import { VisuallyHidden } from '@mantine/core';
import { IconCircle, IconCircleCheck, IconCircleDashed, IconCircleOff, type TablerIcon } from '@tabler/icons-react';

import type { Todo } from '../../shared/contract/tasks.ts';

import classes from './todo-list.module.css';

const icons = {
  pending: IconCircle,
  in_progress: IconCircleDashed,
  completed: IconCircleCheck,
  cancelled: IconCircleOff,
} satisfies Record<Todo['status'], TablerIcon>;

const labels = {
  pending: 'to do',
  in_progress: 'in progress',
  completed: 'done',
  cancelled: 'cancelled',
} satisfies Record<Todo['status'], string>;

export function TodoList({ todos }: { todos: readonly Todo[] }) {
  return (
    <ol className={classes.root} aria-label="Steps of the agent">
      {todos.map(({ content, status }, index) => {
        const Icon = icons[status];
        return (
          // oxlint-disable-next-line react/no-array-index-key -- steps have no id, and are replaced as a whole
          <li key={index} className={classes.item} data-status={status}>
            <Icon size={15} stroke={1.7} aria-hidden="true" />
            <VisuallyHidden>{labels[status]}: </VisuallyHidden>
            {content}
          </li>
        );
      })}
    </ol>
  );
}
