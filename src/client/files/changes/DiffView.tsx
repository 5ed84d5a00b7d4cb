/** The difference of one file from the last commit, line by line. Signs and words say what the colours say. */

import { Button } from '@mantine/core';
import { IconFileCheck, IconFileDiff } from '@tabler/icons-react';
import { useMemo } from 'react';

import { trpc } from '../../api/trpc.ts';
import { LoadFailure } from '../../ui/LoadFailure.tsx';
import { Message } from '../../ui/Message.tsx';
import { PageLoading } from '../../ui/PageLoading.tsx';
import { useFiles } from '../files-context.ts';
import { revealHidden } from '../reveal-hidden.ts';
import { gitWords } from '../tree/git-marks.ts';
import { retriesGit } from '../use-git-status.ts';
import { DiffTable } from './DiffTable.tsx';
import { lineToOpen, readPatch } from './unified-diff.ts';

import classes from './changes.module.css';

export function DiffView({ path }: { path: string }) {
  const { project, go, isRunning } = useFiles();
  const query = trpc.files.gitDiff.useQuery(
    { id: project.id, path },
    { staleTime: 0, enabled: isRunning, retry: retriesGit },
  );
  const file = query.data?.files.find((each) => each.path === path);
  const patch = file?.patch ?? null;
  const lines = useMemo(() => (patch === null ? [] : readPatch(patch)), [patch]);
  if (query.isPending) return <PageLoading />;
  if (query.isError && query.data === undefined) {
    return (
      <LoadFailure
        what="The changes"
        error={query.error}
        retrying={query.isFetching}
        onRetry={() => void query.refetch()}
      />
    );
  }
  const open = (line: number): void => go({ view: 'files', file: path, line });
  if (file === undefined) {
    return (
      <Message
        icon={<IconFileCheck size={22} stroke={1.6} />}
        title="No changes since the last commit"
        actions={
          <Button size="xs" variant="default" onClick={() => open(1)}>
            Open file
          </Button>
        }
      >
        {`“${revealHidden(path)}” is as it was committed.`}
      </Message>
    );
  }
  return (
    <section className={classes.diff} aria-label={`Changes of ${revealHidden(path)}`}>
      <header className={classes.diffHead}>
        <h2 title={revealHidden(path)}>{revealHidden(path)}</h2>
        <span className={classes.word} data-git={file.status}>
          {gitWords[file.status]}
        </span>
        <span className={classes.counts}>
          <span data-git="added">+{file.additions}</span>
          <span data-git="deleted">−{file.deletions}</span>
        </span>
        {file.status !== 'deleted' && (
          <Button size="compact-xs" variant="default" onClick={() => open(lineToOpen(lines, 0))}>
            Open file
          </Button>
        )}
      </header>
      {lines.length === 0 ? (
        <Message icon={<IconFileDiff size={22} stroke={1.6} />} title="The changes cannot be shown as text">
          {file.patch === null
            ? 'The file is binary, or its changes are too large. Open it, or use git in the terminal of the project.'
            : 'Only the name or the mode of the file has changed, or the file is empty.'}
        </Message>
      ) : (
        <DiffTable lines={lines} onOpen={file.status === 'deleted' ? null : open} />
      )}
    </section>
  );
}
