/** One row of the tree: a folder, a file, or a note about a folder. */

import { IconChevronRight, IconDots, IconFile, IconFolder, IconFolderOpen, IconLink } from '@tabler/icons-react';
import type { MouseEvent } from 'react';

import { revealHidden } from '../reveal-hidden.ts';
import { gitLetters, gitWords } from './git-marks.ts';
import type { EntryRow, NoteRow, TreeRow } from './tree-rows.ts';

import classes from './tree.module.css';

interface TreeLineProps {
  id: string | undefined;
  row: TreeRow;
  topPx: number;
  heightPx: number;
  isActive: boolean;
  /** The editor shows this file. */
  isShown: boolean;
  isDropTarget: boolean;
  onActivate: (row: EntryRow) => void;
  onMenu: (row: EntryRow, at: { x: number; y: number }) => void;
}

export function TreeLine(props: TreeLineProps) {
  const { row } = props;
  return row.kind === 'note' ? <NoteLine {...props} row={row} /> : <EntryLine {...props} row={row} />;
}

const placed = ({ topPx, heightPx, row }: Pick<TreeLineProps, 'topPx' | 'heightPx' | 'row'>) => ({
  transform: `translateY(${topPx}px)`,
  height: heightPx,
  '--level': row.level,
});

function EntryLine(props: TreeLineProps & { row: EntryRow }) {
  const { id, row, isActive, isShown, isDropTarget, onActivate, onMenu } = props;
  const { path, entry, isFolder, isExpanded, git } = row;
  const openMenuAt = (event: MouseEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    const box = event.currentTarget.getBoundingClientRect();
    const isPointer = event.type === 'contextmenu';
    onMenu(row, isPointer ? { x: event.clientX, y: event.clientY } : { x: box.left, y: box.bottom });
  };
  const name = revealHidden(entry.name);
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the tree handles the keys of its rows
    <div
      id={id}
      className={classes.line}
      role="treeitem"
      tabIndex={-1}
      aria-level={row.level}
      aria-posinset={row.position}
      aria-setsize={row.setSize}
      aria-expanded={isFolder ? isExpanded : undefined}
      aria-selected={isShown}
      aria-label={`${name}${describe(row)}`}
      data-active={isActive || undefined}
      data-shown={isShown || undefined}
      data-drop={isDropTarget || undefined}
      data-git={git ?? undefined}
      data-path={path}
      data-folder={isFolder}
      title={name}
      style={placed(props)}
      onClick={() => onActivate(row)}
      onContextMenu={openMenuAt}
    >
      <span className={classes.chevron} data-expanded={isExpanded || undefined} aria-hidden="true">
        {isFolder && <IconChevronRight size={14} stroke={1.8} />}
      </span>
      <EntryIcon row={row} />
      <span className={classes.name}>{name}</span>
      {/* The label of the row says it in words. */}
      {git !== null && (
        <span className={classes.git} data-letter={git === 'contains-changes' ? '●' : gitLetters[git]} />
      )}
      <button
        type="button"
        className={classes.more}
        tabIndex={-1}
        aria-label={`Actions for ${name}`}
        onClick={openMenuAt}
      >
        <IconDots size={15} stroke={1.8} />
      </button>
    </div>
  );
}

function describe({ git, entry }: EntryRow): string {
  const words = [
    ...(git === null ? [] : [git === 'contains-changes' ? 'contains changes' : gitWords[git]]),
    ...(entry.kind === 'link' ? [entry.leadsTo === null ? 'link that leads nowhere' : 'link'] : []),
  ];
  return words.length === 0 ? '' : `, ${words.join(', ')}`;
}

function EntryIcon({ row: { entry, isFolder, isExpanded } }: { row: EntryRow }) {
  const Icon = entry.kind === 'link' ? IconLink : isFolder ? (isExpanded ? IconFolderOpen : IconFolder) : IconFile;
  return (
    <Icon className={classes.icon} data-folder={isFolder || undefined} size={15} stroke={1.6} aria-hidden="true" />
  );
}

function NoteLine(props: TreeLineProps & { row: NoteRow }) {
  const { row } = props;
  return (
    // The entries of the tree are its only items: a note is read out by the live region of the tab.
    <div className={classes.line} role="none" style={placed(props)} data-note={row.note}>
      <span className={classes.noteText} title={row.message}>
        {row.message}
      </span>
    </div>
  );
}
