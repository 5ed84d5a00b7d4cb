/** The dialog that finds a file by a few letters of its path. */

import { Modal } from '@mantine/core';
import { useDebouncedValue, useMounted } from '@mantine/hooks';
import { IconFile } from '@tabler/icons-react';
import { keepPreviousData } from '@tanstack/react-query';
import { useId, useState, type KeyboardEvent } from 'react';

import { readError } from '../../api/read-error.ts';
import { trpc } from '../../api/trpc.ts';
import { useFiles } from '../files-context.ts';
import { folderOf, nameOf } from '../paths.ts';

import palette from '../../palette/palette.module.css';
import classes from './search.module.css';

const settleMs = 100;

export function QuickOpen({ opened }: { opened: boolean }) {
  const { ask } = useFiles();
  const mounted = useMounted();
  return (
    <Modal
      opened={opened && mounted}
      onClose={() => ask(null)}
      withCloseButton={false}
      transitionProps={{ duration: 0 }}
      centered={false}
      yOffset="14vh"
      size={560}
      padding={0}
      attributes={{ content: { 'aria-label': 'Open a file' } }}
    >
      <QuickOpenBody />
    </Modal>
  );
}

function QuickOpenBody() {
  const { project, store, ask, go, isRunning } = useFiles();
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const [wanted] = useDebouncedValue(query.trim(), settleMs);
  const id = useId();
  const search = trpc.files.search.useQuery(
    { id: project.id, query: wanted, mode: 'name' },
    { enabled: wanted !== '' && isRunning, staleTime: 0, placeholderData: keepPreviousData },
  );
  // Without letters the open files are offered.
  const paths =
    query.trim() === '' ? store.get().map(({ path }) => path) : (search.data?.matches ?? []).map(({ path }) => path);
  const current = Math.min(active, paths.length - 1);
  const open = (path: string | undefined): void => {
    if (path === undefined) return;
    ask(null);
    go({ view: 'files', file: path, line: null });
  };
  const move = (to: number): void => {
    const target = (to + paths.length) % paths.length;
    setActive(target);
    document.querySelector(`#${CSS.escape(`${id}-${target}`)}`)?.scrollIntoView({ block: 'nearest' });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (event.key === 'Enter') {
      event.preventDefault();
      // The list may still belong to an earlier query.
      if (wanted === query.trim() && !search.isPlaceholderData) open(paths[current]);
    } else if (step !== 0 && paths.length > 0) {
      event.preventDefault();
      move(current + step);
    }
  };
  const problem = search.error === null || query.trim() === '' ? null : readError(search.error).message;
  return (
    <>
      <div className={palette.field}>
        <IconFile size={17} stroke={1.7} aria-hidden="true" />
        <input
          data-autofocus
          // oxlint-disable-next-line jsx-a11y/no-autofocus -- the user has just opened the dialog and goes on typing
          autoFocus
          role="combobox"
          aria-label="Open a file by its name"
          aria-expanded={paths.length > 0}
          aria-controls={`${id}-list`}
          aria-activedescendant={paths.length === 0 ? undefined : `${id}-${current}`}
          aria-autocomplete="list"
          placeholder="Open a file by its name…"
          autoComplete="off"
          spellCheck={false}
          maxLength={200}
          value={query}
          onChange={(event) => {
            setQuery(event.currentTarget.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      {/* oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- a select has no search field */}
      <div className={palette.options} role="listbox" id={`${id}-list`} aria-label="Files">
        {paths.map((path, index) => (
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- the field has the focus
          <div
            key={path}
            id={`${id}-${index}`}
            // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- see the list
            role="option"
            aria-selected={index === current}
            className={palette.option}
            onPointerMove={() => setActive(index)}
            onClick={() => open(path)}
          >
            <span className={classes.optionName}>{nameOf(path)}</span>
            <span className={palette.hint}>{folderOf(path)}</span>
          </div>
        ))}
      </div>
      {paths.length === 0 && <p className={palette.none}>{problem ?? emptyText(query.trim(), search.isFetching)}</p>}
      <output className={palette.count} aria-live="polite">
        {query === '' || search.isFetching ? '' : `${paths.length} found`}
      </output>
    </>
  );
}

function emptyText(query: string, isSearching: boolean): string {
  if (query === '') return 'Type a few letters of a name or a path.';
  return isSearching ? 'Searching…' : `No file matches “${query}”.`;
}
