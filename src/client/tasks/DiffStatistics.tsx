/** How many lines a run has added and removed. */

import { VisuallyHidden } from '@mantine/core';

import type { DiffStatistics as Statistics } from '../../shared/contract/tasks.ts';

import classes from './diff-statistics.module.css';

export function DiffStatistics({ diff: { additions, deletions } }: { diff: Statistics }) {
  return (
    <span className={classes.root}>
      <span aria-hidden="true">
        <span className={classes.added}>+{additions}</span> <span className={classes.removed}>−{deletions}</span>
      </span>
      <VisuallyHidden>
        {additions} lines added, {deletions} lines removed
      </VisuallyHidden>
    </span>
  );
}
