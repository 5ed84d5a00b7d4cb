/** The lines that one file of a task has changed. */

import { useMemo } from 'react';

import type { TaskChanges } from '../../../shared/contract/review.ts';
import { trpc } from '../../api/trpc.ts';
import { DiffTable } from '../../files/changes/DiffTable.tsx';
import { readPatch } from '../../files/changes/unified-diff.ts';
import { LoadFailure } from '../../ui/LoadFailure.tsx';

import classes from './review.module.css';

export function FileDiff({ taskId, file }: { taskId: string; file: TaskChanges['files'][number] }) {
  const query = trpc.tasks.fileDiff.useQuery({ id: taskId, path: file.path }, { enabled: file.hasPatch, staleTime: 0 });
  const patch = query.data?.patch ?? null;
  const lines = useMemo(() => (patch === null ? [] : readPatch(patch)), [patch]);
  if (!file.hasPatch) {
    return (
      <p className={classes.note}>
        {file.isBinary ? 'A binary file has no lines to show.' : 'The changes of this file are too large to be shown.'}
      </p>
    );
  }
  if (query.isError && query.data === undefined) {
    const retry = () => void query.refetch();
    return <LoadFailure what="The lines" error={query.error} retrying={query.isFetching} onRetry={retry} />;
  }
  if (query.isPending) return <p className={classes.note}>Loading…</p>;
  if (lines.length === 0)
    return <p className={classes.note}>Only the name or the mode has changed, or the file is empty.</p>;
  return (
    <div className={classes.lines} style={{ height: Math.min(lines.length * 21 + 14, 420) }}>
      <DiffTable lines={lines} onOpen={null} />
    </div>
  );
}
