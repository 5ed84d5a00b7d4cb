/** The difference of one file from the last commit, line by line. Signs and words say what the colours say. */

import { Button } from '@mantine/core';
import { IconFileCheck, IconFileDiff } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';

import { trpc } from '../../api/trpc.ts';
import { LoadFailure } from '../../ui/LoadFailure.tsx';
import { Message } from '../../ui/Message.tsx';
import { PageLoading } from '../../ui/PageLoading.tsx';
import { useFiles } from '../files-context.ts';
import { gitWords } from '../tree/git-marks.ts';
import { retriesGit } from '../use-git-status.ts';
import { lineToOpen, readPatch, type DiffLine } from './unified-diff.ts';

import classes from './changes.module.css';

const rowHeightPx = 21;

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
        {`“${path}” is as it was committed.`}
      </Message>
    );
  }
  return (
    <section className={classes.diff} aria-label={`Changes of ${path}`}>
      <header className={classes.diffHead}>
        <h2 title={path}>{path}</h2>
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

function DiffTable({ lines, onOpen }: { lines: readonly DiffLine[]; onOpen: ((line: number) => void) | null }) {
  const viewport = useRef<HTMLDivElement>(null);
  // oxlint-disable-next-line react/incompatible-library -- nothing here is memoized
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => rowHeightPx,
    overscan: 30,
  });
  const items = virtualizer.getVirtualItems();
  const widest = useMemo(() => lines.reduce((width, { text }) => Math.max(width, text.length), 0), [lines]);
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- otherwise the keyboard could not scroll it
    <section ref={viewport} className={classes.lines} tabIndex={0} aria-label="Lines">
      <table
        aria-rowcount={lines.length}
        style={{ height: virtualizer.getTotalSize(), width: `max(100%, ${widest + 20}ch)` }}
      >
        <thead className={classes.srOnly}>
          <tr>
            <th scope="col">Line before</th>
            <th scope="col">Line after</th>
            <th scope="col">Change</th>
            <th scope="col">Text</th>
          </tr>
        </thead>
        <tbody>
          {items.map(({ index, start }) => {
            const line = lines[index];
            return line === undefined ? null : (
              <DiffRow
                key={index}
                line={line}
                index={index}
                topPx={start}
                onOpen={onOpen === null ? null : () => onOpen(lineToOpen(lines, index))}
              />
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

const signs = { added: '+', removed: '−', same: '', hunk: '', remark: '' } satisfies Record<DiffLine['kind'], string>;
const words = { added: 'added', removed: 'removed', same: '', hunk: '', remark: '' } satisfies Record<
  DiffLine['kind'],
  string
>;

interface DiffRowProps {
  line: DiffLine;
  index: number;
  topPx: number;
  onOpen: (() => void) | null;
}

function DiffRow({ line, index, topPx, onOpen }: DiffRowProps) {
  const { kind } = line;
  return (
    <tr
      className={classes.row}
      data-kind={kind}
      aria-rowindex={index + 1}
      style={{ transform: `translateY(${topPx}px)` }}
    >
      <td className={classes.number}>{'before' in line ? line.before : ''}</td>
      <td className={classes.number}>
        {'after' in line && onOpen !== null ? (
          <button type="button" tabIndex={-1} aria-label={`Open line ${line.after}`} onClick={onOpen}>
            {line.after}
          </button>
        ) : (
          'after' in line && line.after
        )}
      </td>
      <td className={classes.sign}>
        <span aria-hidden="true">{signs[kind]}</span>
        <span className={classes.srOnly}>{words[kind]}</span>
      </td>
      <td className={classes.text}>{line.text}</td>
    </tr>
  );
}
