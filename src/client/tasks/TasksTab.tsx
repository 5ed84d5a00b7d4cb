/**
 * The Tasks tab of a project: the board, and the panel of the task that is open. What is open and what is filtered is in the
 * address (`?task=<id>&q=…`). The tasks are live: `use-tasks.ts` subscribes to them and sends the commands.
 */

import { Button } from '@mantine/core';
import { IconChecklist } from '@tabler/icons-react';
import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';

import type { Project } from '../../shared/contract/project.ts';
import { roleMay, roleRefusal } from '../../shared/contract/roles.ts';
import type { Task, TaskState } from '../../shared/contract/tasks.ts';
import { takesLetters } from '../palette/shortcuts.ts';
import { refusalOf } from '../projects/use-project-actions.ts';
import { LoadFailure } from '../ui/LoadFailure.tsx';
import { Message } from '../ui/Message.tsx';
import { Board } from './board/Board.tsx';
import { BoardSkeleton } from './board/BoardSkeleton.tsx';
import { BoardToolbar } from './board/BoardToolbar.tsx';
import { filterOf, matching, needsPerson, withFilter, type BoardFilter } from './board/filter.ts';
import { DeleteTaskDialog } from './DeleteTaskDialog.tsx';
import { NewTaskDialog, type NewTaskPlace } from './NewTaskDialog.tsx';
import { NoModelNote } from './NoModelNote.tsx';
import { AiReviewSwitch } from './review/AiReviewSwitch.tsx';
import {
  MayChangeTasksContext,
  NewWorkRefusalContext,
  TaskCommandsContext,
  useIsNewWorkRefused,
  useMayChangeTasks,
} from './task-commands.ts';
import { TaskPanel } from './TaskPanel.tsx';
import { useFocusAfterDelete } from './use-focus-after-delete.ts';
import { useNewTaskKey } from './use-new-task-key.ts';
import { useTasks } from './use-tasks.ts';

import classes from './tasks-tab.module.css';

const bottomOfToDo: NewTaskPlace = { state: 'TODO', place: 'bottom' };

export function TasksTab({ project }: { project: Project }) {
  const { tasks, isLoaded, error, retry, commands } = useTasks(project.id);
  const ofRole = roleRefusal(project.role, 'tasks.write');
  const ofState = refusalOf('update', project);
  const refusal = ofRole ?? (ofState === null ? null : `${ofState} No task can be added or run.`);
  if (!isLoaded && error !== null) {
    return <LoadFailure what="The tasks" error={error} retrying={false} onRetry={retry} />;
  }
  if (!isLoaded) return <BoardSkeleton />;
  return (
    <TaskCommandsContext value={commands}>
      <MayChangeTasksContext value={roleMay(project.role, 'tasks.write')}>
        {error !== null && (
          <p className={classes.lost} role="alert">
            The tasks below are not updated any more.{' '}
            <Button size="compact-xs" variant="default" onClick={retry}>
              Try again
            </Button>
          </p>
        )}
        {refusal === null ? <NoModelNote project={project} /> : <p className={classes.lost}>{refusal}</p>}
        <NewWorkRefusalContext value={refusal}>
          <LoadedTasks project={project} tasks={tasks} />
        </NewWorkRefusalContext>
      </MayChangeTasksContext>
    </TaskCommandsContext>
  );
}

function LoadedTasks({ project, tasks }: { project: Project; tasks: readonly Task[] }) {
  const { filter, changeFilter, openId, open } = useAddress();
  const [adding, setAdding] = useState<NewTaskPlace | null>(null);
  const [deleting, setDeleting] = useState<Task | null>(null);
  const found = useMemo(() => matching(tasks, filter), [tasks, filter]);
  const opened = tasks.find(({ id }) => id === openId);
  const add = useCallback((state: TaskState, place: 'top' | 'bottom') => setAdding({ state, place }), []);
  const mayChange = useMayChangeTasks();
  const mayAdd = !useIsNewWorkRefused() && mayChange;
  useNewTaskKey(() => {
    if (mayAdd) setAdding(bottomOfToDo);
  });
  const root = useRef<HTMLElement>(null);
  const onDeleteClosed = useFocusAfterDelete(root, found, deleting?.id ?? openId);
  return (
    <section ref={root} aria-label="Tasks" className={classes.root} data-has-panel={opened !== undefined || undefined}>
      {tasks.length === 0 ? (
        <NoTasks onAdd={mayAdd ? () => setAdding(bottomOfToDo) : null} />
      ) : (
        <div className={classes.board}>
          <BoardToolbar
            filter={filter}
            onFilter={changeFilter}
            found={found.length}
            waiting={tasks.filter(needsPerson).length}
            onAdd={mayAdd ? () => setAdding(bottomOfToDo) : null}
          >
            {mayChange && <AiReviewSwitch project={project} />}
          </BoardToolbar>
          <Board
            tasks={tasks}
            shownTasks={found}
            openId={opened?.id ?? null}
            onOpen={open}
            onAdd={mayAdd ? add : null}
            onDelete={setDeleting}
          />
        </div>
      )}
      {opened !== undefined && (
        <PanelPlace key={opened.id} onClose={() => open(null)}>
          <TaskPanel project={project} task={opened} onClose={() => open(null)} onDelete={() => setDeleting(opened)} />
        </PanelPlace>
      )}
      <NewTaskDialog
        project={project}
        place={!mayAdd ? null : adding}
        onClose={() => setAdding(null)}
        onStarted={open}
      />
      <DeleteTaskDialog task={deleting} onClose={() => setDeleting(null)} onClosed={onDeleteClosed} />
    </section>
  );
}

function useAddress() {
  const [params, setParams] = useSearchParams();
  const filter = useMemo(() => filterOf(params), [params]);
  return {
    filter,
    changeFilter: (change: Partial<BoardFilter>): void => {
      const current = currentParams();
      setParams(withFilter(current, { ...filterOf(current), ...change }), { replace: true });
    },
    openId: params.get('task'),
    open: (taskId: string | null): void => {
      const changed = currentParams();
      if (taskId === null) changed.delete('task');
      else changed.set('task', taskId);
      setParams(changed);
    },
  };
}

/** Newer than the rendered parameters when two of them are changed one after the other. */
const currentParams = (): URLSearchParams => new URLSearchParams(window.location.search);

/** Takes the focus when a task is opened, so that the keyboard continues in the panel. Escape closes the panel. */
function PanelPlace({ onClose, children }: { onClose: () => void; children: ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.focus({ preventScroll: true }), []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || event.defaultPrevented || takesLetters(event.target)) return;
    event.preventDefault();
    onClose();
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- the close button does the same
    <div ref={place} className={classes.panel} tabIndex={-1} onKeyDown={onKeyDown}>
      {children}
    </div>
  );
}

function NoTasks({ onAdd }: { onAdd: (() => void) | null }) {
  return (
    <Message
      icon={<IconChecklist size={22} stroke={1.6} />}
      title="No tasks yet"
      actions={onAdd !== null && <Button onClick={onAdd}>New task</Button>}
    >
      Describe what you want to have done. The coding agent of this project works on it, and asks when it needs you.
    </Message>
  );
}
