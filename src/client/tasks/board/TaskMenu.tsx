/** The menu of a task, at the place of the pointer or of the card. There is one for the whole board. */

import { Menu } from '@mantine/core';
import { useMounted } from '@mantine/hooks';
import {
  IconArrowBarToDown,
  IconArrowBarToUp,
  IconArrowRight,
  IconAntennaBars5,
  IconCheck,
  IconLayoutSidebarRight,
  IconPlayerPlay,
  IconPlayerStop,
  IconTrash,
} from '@tabler/icons-react';
import { useRef } from 'react';

import { hasEnded, taskStates, type Task } from '../../../shared/contract/tasks.ts';
import { PriorityIcon } from '../PriorityIcon.tsx';
import { useIsNewWorkRefused, useTaskCommands } from '../task-commands.ts';
import { possibleActions, priorities, priorityLabels, stateLabels } from '../task-list.ts';
import { columnIcons } from './column-labels.ts';
import { othersIn, type Columns } from './columns.ts';

import classes from './board.module.css';

export interface MenuPlace {
  taskId: string;
  x: number;
  y: number;
}

interface TaskMenuProps {
  place: MenuPlace | null;
  /** The task of `place`; `undefined` when it was deleted meanwhile. */
  task: Task | undefined;
  /** With the tasks that a filter hides. */
  columns: Columns;
  onClose: () => void;
  returnFocus: (taskId: string) => void;
  onOpen: (taskId: string) => void;
  onDelete: (task: Task) => void;
}

const iconProps = { size: 15, stroke: 1.6 };

export function TaskMenu({ place, task, onClose, returnFocus, ...props }: TaskMenuProps) {
  const mounted = useMounted();
  /** An item that opens something else keeps the focus there. */
  const keepsFocus = useRef(false);
  const leaving = (act: () => void) => () => {
    keepsFocus.current = true;
    act();
  };
  return (
    <Menu
      // Mounted again for each place: the menu does not follow a target that moves.
      key={place === null ? 'closed' : `${place.taskId} ${place.x} ${place.y}`}
      opened={place !== null && task !== undefined && mounted}
      onChange={(opened) => {
        if (opened) return;
        if (place !== null && !keepsFocus.current) returnFocus(place.taskId);
        keepsFocus.current = false;
        onClose();
      }}
      position="bottom-start"
      width={190}
      shadow="md"
      offset={2}
      returnFocus={false}
      transitionProps={{ duration: 0 }}
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>
        <span className={classes.anchor} style={{ left: place?.x ?? 0, top: place?.y ?? 0 }} aria-hidden="true" />
      </Menu.Target>
      <Menu.Dropdown aria-label={task === undefined ? undefined : `Actions for “${task.title}”`}>
        {task !== undefined && <TaskItems task={task} leaving={leaving} {...props} />}
      </Menu.Dropdown>
    </Menu>
  );
}

interface TaskItemsProps extends Pick<TaskMenuProps, 'columns' | 'onOpen' | 'onDelete'> {
  task: Task;
  leaving: (act: () => void) => () => void;
}

function TaskItems({ task, columns, onOpen, onDelete, leaving }: TaskItemsProps) {
  const commands = useTaskCommands();
  const { latestRun: run } = task;
  const { canRun, canAbort } = possibleActions(task, useIsNewWorkRefused());
  return (
    <>
      <Menu.Item leftSection={<IconLayoutSidebarRight {...iconProps} />} onClick={leaving(() => onOpen(task.id))}>
        Open
      </Menu.Item>
      {canRun && (
        <Menu.Item leftSection={<IconPlayerPlay {...iconProps} />} onClick={() => void commands.start(task)}>
          {run === null ? 'Run' : 'Run again'}
        </Menu.Item>
      )}
      {run !== null && canAbort && (
        <Menu.Item leftSection={<IconPlayerStop {...iconProps} />} onClick={() => void commands.abort(run.id)}>
          Abort
        </Menu.Item>
      )}
      <Menu.Divider />
      <Menu.Sub>
        <Menu.Sub.Target>
          <Menu.Sub.Item leftSection={<IconAntennaBars5 {...iconProps} />}>Priority</Menu.Sub.Item>
        </Menu.Sub.Target>
        <Menu.Sub.Dropdown>
          {priorities.toReversed().map((priority) => (
            <Menu.Item
              key={priority}
              leftSection={<PriorityIcon priority={priority} isNamed={false} />}
              rightSection={priority === task.priority ? <IconCheck {...iconProps} aria-label="now" /> : null}
              onClick={() => void commands.setPriority(task, priority)}
            >
              {priorityLabels[priority]}
            </Menu.Item>
          ))}
        </Menu.Sub.Dropdown>
      </Menu.Sub>
      <MoveItems task={task} columns={columns} />
      {(run === null || hasEnded(run)) && (
        <>
          <Menu.Divider />
          <Menu.Item
            leftSection={<IconTrash {...iconProps} />}
            c="var(--mantine-color-error)"
            onClick={leaving(() => onDelete(task))}
          >
            Delete…
          </Menu.Item>
        </>
      )}
    </>
  );
}

/** Everything that dragging can do, for people who cannot drag. */
function MoveItems({ task, columns }: { task: Task; columns: Columns }) {
  const { move } = useTaskCommands();
  const column = columns[task.state];
  const last = othersIn(columns, task.state, task.id).at(-1);
  return (
    <Menu.Sub>
      <Menu.Sub.Target>
        <Menu.Sub.Item leftSection={<IconArrowRight {...iconProps} />}>Move to</Menu.Sub.Item>
      </Menu.Sub.Target>
      <Menu.Sub.Dropdown>
        {taskStates
          .filter((state) => state !== task.state)
          .map((state) => {
            const Icon = columnIcons[state];
            return (
              <Menu.Item key={state} leftSection={<Icon {...iconProps} />} onClick={() => void move(task, state)}>
                {stateLabels[state]}
              </Menu.Item>
            );
          })}
        {column.length > 1 && (
          <>
            <Menu.Divider />
            {column[0]?.id !== task.id && (
              <Menu.Item leftSection={<IconArrowBarToUp {...iconProps} />} onClick={() => void move(task, task.state)}>
                Top of the column
              </Menu.Item>
            )}
            {last !== undefined && column.at(-1)?.id !== task.id && (
              <Menu.Item
                leftSection={<IconArrowBarToDown {...iconProps} />}
                onClick={() => void move(task, task.state, last.id)}
              >
                End of the column
              </Menu.Item>
            )}
          </>
        )}
      </Menu.Sub.Dropdown>
    </Menu.Sub>
  );
}
