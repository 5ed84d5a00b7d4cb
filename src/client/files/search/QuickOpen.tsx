/** The dialog that finds a file by a few letters of its path. */

import { Modal } from '@mantine/core';
import { useDebouncedValue, useMounted } from '@mantine/hooks';
import { IconFile } from '@tabler/icons-react';
import { keepPreviousData } from '@tanstack/react-query';
import { useEffect, useEffectEvent, useId, useState, type KeyboardEvent } from 'react';

import { readError } from '../../api/read-error.ts';
import { trpc } from '../../api/trpc.ts';
import { useFiles } from '../files-context.ts';
import { folderOf, nameOf } from '../paths.ts';
import { revealHidden } from '../reveal-hidden.ts';

import palette from '../../palette/palette.module.css';
import classes from './search.module.css';

const settleMs = 100;

interface QuickOpenProps {
  opened: boolean;
  /** Closes the dialog without opening a file. */
  onCancel: () => void;
}

export function QuickOpen({ opened, onCancel }: QuickOpenProps) {
  const mounted = useMounted();
  return (
    <Modal
      opened={opened && mounted}
      onClose={onCancel}
      returnFocus={false}
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
  const { ask, go, place, editorFocus } = useFiles();
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const [isEager, setEager] = useState(false);
  const { paths, isCurrent, problem } = useFoundPaths(query.trim());
  const id = useId();
  const current = Math.min(active, paths.length - 1);
  const open = useEffectEvent((path: string | undefined): void => {
    if (path === undefined) return;
    ask(null);
    if (path === place.file) document.querySelector<HTMLElement>('.cm-content')?.focus();
    else editorFocus.request();
    go({ view: 'files', file: path, line: null });
  });
  const first = paths[0];
  // Enter was pressed before the answer was here: its first file is opened.
  useEffect(() => {
    if (isEager && isCurrent) open(first);
  }, [isEager, isCurrent, first]);
  const move = (to: number): void => {
    const target = (to + paths.length) % paths.length;
    setActive(target);
    document.querySelector(`#${CSS.escape(`${id}-${target}`)}`)?.scrollIntoView({ block: 'nearest' });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (event.key === 'Enter') {
      event.preventDefault();
      if (isCurrent) open(paths[current]);
      else setEager(true);
    } else if (step !== 0 && paths.length > 0) {
      event.preventDefault();
      move(current + step);
    }
  };
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
            setEager(false);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <Options id={id} paths={paths} current={current} onActivate={setActive} onOpen={(path) => open(path)} />
      {paths.length === 0 && <p className={palette.none}>{problem ?? emptyText(query.trim(), isCurrent)}</p>}
      <output className={palette.count} aria-live="polite">
        {query === '' || !isCurrent ? '' : `${paths.length} found`}
      </output>
    </>
  );
}

/** The files that match. Without letters these are the open files. `isCurrent`: the answer to this very query is here. */
function useFoundPaths(query: string) {
  const { project, store, isRunning } = useFiles();
  const [settled] = useDebouncedValue(query, settleMs);
  const search = trpc.files.search.useQuery(
    { id: project.id, query: settled, mode: 'name' },
    { enabled: settled !== '' && isRunning, staleTime: 0, placeholderData: keepPreviousData },
  );
  if (query === '') return { paths: store.get().map(({ path }) => path), isCurrent: true, problem: null };
  return {
    paths: (search.data?.matches ?? []).map(({ path }) => path),
    isCurrent: settled === query && !search.isPlaceholderData && !search.isPending,
    problem: search.error === null ? null : readError(search.error).message,
  };
}

interface OptionsProps {
  id: string;
  paths: readonly string[];
  current: number;
  onActivate: (index: number) => void;
  onOpen: (path: string) => void;
}

/** The keyboard focus stays in the field, which names the current option in `aria-activedescendant`. */
function Options({ id, paths, current, onActivate, onOpen }: OptionsProps) {
  return (
    // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- a select has no search field, a datalist cannot be styled
    <div className={palette.options} role="listbox" id={`${id}-list`} aria-label="Files">
      {paths.map((path, index) => (
        // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- see above
        <div
          key={path}
          id={`${id}-${index}`}
          // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- see the list
          role="option"
          aria-selected={index === current}
          className={palette.option}
          onPointerMove={() => onActivate(index)}
          onClick={() => onOpen(path)}
        >
          <span className={classes.optionName}>{revealHidden(nameOf(path))}</span>
          <span className={palette.hint}>{revealHidden(folderOf(path))}</span>
        </div>
      ))}
    </div>
  );
}

function emptyText(query: string, isCurrent: boolean): string {
  if (query === '') return 'Type a few letters of a name or a path.';
  return isCurrent ? `No file matches “${query}”.` : 'Searching…';
}
