/**
 * A task on the board: its title, and what its newest run is doing. The title is a link that covers the whole card; the
 * buttons are above it. `Board.tsx` handles clicks and keys. There are hundreds of cards, so they are made of plain elements.
 */

import { Loader, VisuallyHidden } from '@mantine/core';
import { IconDots, IconListCheck, IconPlayerPlay } from '@tabler/icons-react';
import { memo } from 'react';

import { hasEnded, type Run, type Task } from '../../../shared/contract/tasks.ts';
import { useNow } from '../../ui/use-now.ts';
import { DiffStatistics } from '../DiffStatistics.tsx';
import { PriorityIcon } from '../PriorityIcon.tsx';
import { RunStateBadge } from '../RunStateBadge.tsx';
import { useIsNewWorkRefused, useMayChangeTasks, useTaskCommands } from '../task-commands.ts';
import { durationOf, possibleActions, stepsOf } from '../task-list.ts';
import { usePending } from '../use-pending.ts';
import { CardRequest } from './CardRequest.tsx';

import classes from './task-card.module.css';

interface TaskCardProps {
  task: Task;
  isOpen: boolean;
  isTabbable: boolean;
  isLifted: boolean;
}

export const TaskCard = memo(function TaskCard({ task, isOpen, isTabbable, isLifted }: TaskCardProps) {
  const { latestRun: run } = task;
  const factsId = `facts-${task.id}`;
  const tabIndex = isTabbable ? 0 : -1;
  const [request] = run?.pending ?? [];
  const { canRun } = possibleActions(task, useIsNewWorkRefused());
  const mayChange = useMayChangeTasks();
  return (
    <li
      className={classes.root}
      data-task-id={task.id}
      data-open={isOpen || undefined}
      data-lifted={isLifted || undefined}
    >
      <div className={classes.head}>
        <PriorityIcon priority={task.priority} />
        <h3 className={classes.title}>
          <a
            className={classes.link}
            href={`?task=${task.id}`}
            draggable={false}
            tabIndex={tabIndex}
            aria-describedby={factsId}
            aria-current={isOpen || undefined}
          >
            {task.title}
          </a>
        </h3>
      </div>
      <div className={classes.facts} id={factsId}>
        {run !== null && <RunFacts run={run} />}
      </div>
      {run?.state === 'failed' && <p className={classes.failure}>{run.message}</p>}
      {run !== null && request !== undefined && (
        <CardRequest run={run} request={request} title={task.title} tabIndex={tabIndex} />
      )}
      {mayChange && (
        <div className={classes.buttons}>
          {canRun && <RunButton task={task} tabIndex={tabIndex} />}
          <button
            type="button"
            className={classes.button}
            tabIndex={tabIndex}
            aria-label={`Actions for “${task.title}”`}
            aria-haspopup="menu"
            data-menu
          >
            <IconDots size={16} stroke={1.7} aria-hidden="true" />
          </button>
        </div>
      )}
    </li>
  );
});

function RunFacts({ run }: { run: Run }) {
  const steps = stepsOf(run);
  return (
    <>
      <RunStateBadge run={run} />
      {hasEnded(run) ? <span>{durationOf(run, 0)}</span> : <Elapsed run={run} />}
      {steps !== null && (
        <span className={classes.fact}>
          <IconListCheck size={14} stroke={1.7} aria-hidden="true" />
          <span aria-hidden="true">
            {steps.done}/{steps.total}
          </span>
          <VisuallyHidden>
            {steps.done} of {steps.total} steps
          </VisuallyHidden>
        </span>
      )}
      {run.diff !== null && run.diff.files > 0 && <DiffStatistics diff={run.diff} />}
    </>
  );
}

/** A component of its own, so that only it renders with each second. */
function Elapsed({ run }: { run: Run }) {
  return <span>{durationOf(run, useNow(1_000))}</span>;
}

function RunButton({ task, tabIndex }: { task: Task; tabIndex: number }) {
  const [start, isStarting] = usePending(useTaskCommands().start);
  return (
    <button
      type="button"
      className={classes.button}
      tabIndex={tabIndex}
      aria-label={`${task.latestRun === null ? 'Run' : 'Run again'}: “${task.title}”`}
      aria-busy={isStarting}
      onClick={() => {
        if (!isStarting) void start(task);
      }}
    >
      {isStarting ? <Loader size={14} color="gray" /> : <IconPlayerPlay size={15} stroke={1.8} aria-hidden="true" />}
    </button>
  );
}
