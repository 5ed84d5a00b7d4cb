/** The priority of a task: one to three bars, and an exclamation mark for urgent tasks. */

import { VisuallyHidden } from '@mantine/core';

import type { TaskPriority } from '../../shared/contract/tasks.ts';
import { priorityLabels } from './task-list.ts';

import classes from './priority-icon.module.css';

const bars = { low: 1, normal: 2, high: 3 };
const places = [
  { x: 1.5, height: 5 },
  { x: 6.5, height: 8.5 },
  { x: 11.5, height: 12 },
];

/** `isNamed: false` beside a text that names the priority. */
export function PriorityIcon({ priority, isNamed = true }: { priority: TaskPriority; isNamed?: boolean }) {
  return (
    <span className={classes.root} data-priority={priority} title={`Priority: ${priorityLabels[priority]}`}>
      <svg viewBox="0 0 16 16" width="14" height="14" fill="currentColor" aria-hidden="true">
        {priority === 'urgent' ? (
          <path d="M4 1h8a3 3 0 0 1 3 3v8a3 3 0 0 1-3 3H4a3 3 0 0 1-3-3V4a3 3 0 0 1 3-3Zm3.1 3 .3 5h1.2l.3-5ZM8 10.3a1 1 0 1 0 0 2 1 1 0 0 0 0-2Z" />
        ) : (
          places.map(({ x, height }, index) => (
            <rect
              key={x}
              x={x}
              y={14 - height}
              width="3"
              height={height}
              rx="1"
              opacity={index < bars[priority] ? 1 : 0.3}
            />
          ))
        )}
      </svg>
      {isNamed && <VisuallyHidden>Priority: {priorityLabels[priority]}</VisuallyHidden>}
    </span>
  );
}
