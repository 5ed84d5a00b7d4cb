/** One task in the list: its title, and what its newest run is doing. */

import { UnstyledButton } from '@mantine/core';

import type { Task } from '../../shared/contract/tasks.ts';
import { useNow } from '../ui/use-now.ts';
import { RunStateBadge } from './RunStateBadge.tsx';
import { durationOf, priorityLabels, stepsOf } from './task-list.ts';

import classes from './task-row.module.css';

export function TaskRow({ task, isOpen, onOpen }: { task: Task; isOpen: boolean; onOpen: () => void }) {
  const { latestRun: run, priority } = task;
  return (
    <li>
      <UnstyledButton className={classes.root} data-open={isOpen || undefined} aria-expanded={isOpen} onClick={onOpen}>
        <span className={classes.title}>{task.title}</span>
        <span className={classes.facts}>
          {priority !== 'normal' && (
            <span className={classes.priority} data-priority={priority}>
              {priorityLabels[priority]}
            </span>
          )}
          {run !== null && (
            <>
              {stepsOf(run) !== null && <span>{stepsOf(run)}</span>}
              {run.diff !== null && run.diff.files > 0 && <DiffStatistics diff={run.diff} />}
              <Duration run={run} />
              <RunStateBadge run={run} />
            </>
          )}
        </span>
      </UnstyledButton>
    </li>
  );
}

export function DiffStatistics({ diff }: { diff: { files: number; additions: number; deletions: number } }) {
  return (
    <span aria-label={`${diff.additions} lines added, ${diff.deletions} lines removed`}>
      <span className={classes.added}>+{diff.additions}</span>{' '}
      <span className={classes.removed}>−{diff.deletions}</span>
    </span>
  );
}

function Duration({ run }: { run: NonNullable<Task['latestRun']> }) {
  const nowMs = useNow(1_000);
  return <span className={classes.duration}>{durationOf(run, nowMs)}</span>;
}
