/** The files that differ from the last commit, with how many lines were added and removed. */

import { VisuallyHidden } from '@mantine/core';
import { IconGitBranch } from '@tabler/icons-react';
import type { UseTRPCQueryResult } from '@trpc/react-query/shared';

import type { GitFile, GitStatus } from '../../../shared/contract/files.ts';
import { readError } from '../../api/read-error.ts';
import { count } from '../../ui/format.ts';
import { useFiles } from '../files-context.ts';
import { folderOf, nameOf } from '../paths.ts';
import { revealHidden } from '../reveal-hidden.ts';
import { gitLetters, gitWords } from '../tree/git-marks.ts';

import classes from './changes.module.css';

type StatusQuery = Pick<UseTRPCQueryResult<GitStatus, unknown>, 'data' | 'error'>;

export function ChangesList({ status }: { status: StatusQuery }) {
  const { place, go } = useFiles();
  const { data, error } = status;
  if (data === undefined) {
    return <p className={classes.empty}>{error === null ? 'Loading…' : readError(error).message}</p>;
  }
  return (
    <>
      <p className={classes.summary}>
        {data.branch !== null && (
          <span className={classes.branch} title={data.branch}>
            <IconGitBranch size={14} stroke={1.6} aria-label="Branch" /> {data.branch}
          </span>
        )}
        {data.files.length > 0 && <span>{count(data.files.length, 'changed file')}</span>}
      </p>
      {data.files.length === 0 ? (
        <p className={classes.empty}>No changes since the last commit</p>
      ) : (
        <ul className={classes.list} aria-label="Changed files">
          {data.files.map((file) => (
            <li key={file.path}>
              <ChangedFile
                file={file}
                isShown={place.file === file.path}
                onOpen={() => go({ file: file.path, line: null })}
              />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function ChangedFile({ file, isShown, onOpen }: { file: GitFile; isShown: boolean; onOpen: () => void }) {
  const { path, status, additions, deletions } = file;
  return (
    <button
      type="button"
      className={classes.file}
      aria-current={isShown ? 'true' : undefined}
      title={revealHidden(path)}
      onClick={onOpen}
    >
      <span className={classes.letter} data-git={status} aria-hidden="true">
        {gitLetters[status]}
      </span>
      <span className={classes.fileName}>
        {revealHidden(nameOf(path))}
        <span className={classes.folder}>{revealHidden(folderOf(path))}</span>
      </span>
      <VisuallyHidden>
        {`, ${gitWords[status]}, ${count(additions, 'line')} added, ${count(deletions, 'line')} removed`}
      </VisuallyHidden>
      <span className={classes.counts} aria-hidden="true">
        {additions > 0 && <span data-git="added">+{additions}</span>}
        {deletions > 0 && <span data-git="deleted">−{deletions}</span>}
      </span>
    </button>
  );
}
