/** The review of a task: what its branch changes, file by file, and the decision about it. */

import { Button, VisuallyHidden } from '@mantine/core';
import { IconChevronRight, IconGitBranch } from '@tabler/icons-react';
import { useState } from 'react';

import type { TaskChanges } from '../../../shared/contract/review.ts';
import { hasEnded, type Run, type Task } from '../../../shared/contract/tasks.ts';
import { trpc } from '../../api/trpc.ts';
import { revealHidden } from '../../files/reveal-hidden.ts';
import { gitLetters, gitWords } from '../../files/tree/git-marks.ts';
import { count } from '../../ui/format.ts';
import { lazyPart } from '../../ui/lazy-part.ts';
import { LoadFailure } from '../../ui/LoadFailure.tsx';
import { useIsNewWorkRefused, useMayChangeTasks } from '../task-commands.ts';
import { notesOn, sizeOf, whyNoBranch } from './review-words.ts';
import { ReviewActions } from './ReviewActions.tsx';
import { VerdictView } from './VerdictView.tsx';

import classes from './review.module.css';

const FileDiff = lazyPart(async () => (await import('./FileDiff.tsx')).FileDiff);
/** The list grows by so many files. */
const pageSize = 100;

export function ReviewSection({ task }: { task: Task }) {
  const { latestRun: run } = task;
  if (run === null || !hasEnded(run)) return null;
  if (run.workspace?.kind === 'project') return <p className={classes.note}>{whyNoBranch(run.workspace)}</p>;
  if (run.workspace === null && task.branch === null) return null;
  // Each end of a run, and each decision, is a reason to read the changes again.
  return <Review key={`${run.id} ${run.endedAt} ${task.branch}`} task={task} run={run} />;
}

function Review({ task, run }: { task: Task; run: Run }) {
  const isRefused = useIsNewWorkRefused();
  const mayDecide = useMayChangeTasks();
  const query = trpc.tasks.changes.useQuery({ id: task.id }, { staleTime: 0 });
  if (query.isPending) return null;
  if (query.isError && query.data === undefined) {
    const retry = () => void query.refetch();
    return <LoadFailure what="The changes" error={query.error} retrying={query.isFetching} onRetry={retry} />;
  }
  const { changes } = query.data;
  if (changes === null) return null;
  return (
    <section className={classes.root} aria-label="Changes">
      <h3 className={classes.head}>
        {headOf(changes)}
        <span className={classes.branch} title={changes.branch}>
          <IconGitBranch size={14} stroke={1.6} aria-label="Branch" /> {changes.branch}
        </span>
      </h3>
      {run.verdict !== null && <VerdictView verdict={run.verdict} />}
      {changes.files.length > 0 && <p className={classes.size}>{sizeOf(changes)}</p>}
      {changes.state === 'open' &&
        notesOn(changes).map((note) => (
          <p key={note} className={classes.note}>
            {note}
          </p>
        ))}
      <Files taskId={task.id} changes={changes} />
      {changes.state === 'open' && task.branch !== null && !isRefused && mayDecide && (
        <ReviewActions task={task} run={run} changes={changes} />
      )}
    </section>
  );
}

function headOf({ state, files }: TaskChanges): string {
  if (state === 'accepted') return 'Accepted changes';
  if (state === 'discarded') return 'Discarded changes';
  return files.length === 0 ? 'No changes' : 'Changes';
}

function Files({ taskId, changes }: { taskId: string; changes: TaskChanges }) {
  const [shown, setShown] = useState(pageSize);
  const [openPath, setOpenPath] = useState<string | null>(null);
  const hidden = changes.files.length - shown;
  return (
    <>
      <ul className={classes.files} aria-label="Changed files">
        {changes.files.slice(0, shown).map((file) => {
          const isOpen = openPath === file.path;
          const path = revealHidden(file.path);
          return (
            <li key={file.path}>
              <button
                type="button"
                className={classes.file}
                aria-expanded={isOpen}
                title={path}
                onClick={() => setOpenPath(isOpen ? null : file.path)}
              >
                <IconChevronRight className={classes.chevron} size={14} stroke={1.8} aria-hidden="true" />
                <span className={classes.letter} data-git={file.status} aria-hidden="true">
                  {gitLetters[file.status]}
                </span>
                <span className={classes.path}>{path}</span>
                <VisuallyHidden>
                  {`, ${gitWords[file.status]}, ${count(file.additions, 'line')} added, ${count(file.deletions, 'line')} removed`}
                </VisuallyHidden>
                <span className={classes.counts} aria-hidden="true">
                  {file.isBinary && 'binary'}
                  {file.additions > 0 && <span data-git="added">+{file.additions}</span>}
                  {file.deletions > 0 && <span data-git="deleted">−{file.deletions}</span>}
                </span>
              </button>
              {isOpen && <FileDiff taskId={taskId} file={file} />}
            </li>
          );
        })}
      </ul>
      {hidden > 0 && (
        <Button size="compact-xs" variant="default" onClick={() => setShown(shown + pageSize)}>
          Show {Math.min(hidden, pageSize)} more of {count(hidden, 'further file')}
        </Button>
      )}
    </>
  );
}
