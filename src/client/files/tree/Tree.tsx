/** The tree of files. Only the rows in view are rendered. The focus stays on the tree, which names the active row. */

import { useMediaQuery } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useEffectEvent, useRef, useState, type DragEvent, type KeyboardEvent, type RefObject } from 'react';

import { useApp } from '../../app-context.ts';
import { useFiles } from '../files-context.ts';
import { folderOf } from '../paths.ts';
import { filesOfDrop } from '../upload/dropped-files.ts';
import { EntryMenu, type MenuPlace } from './EntryMenu.tsx';
import { treeAction, typeAhead, type TreeAction } from './tree-keys.ts';
import type { EntryRow, TreeRow } from './tree-rows.ts';
import { TreeLine } from './TreeLine.tsx';

import classes from './tree.module.css';

const rowHeightPx = { mouse: 24, touch: 44 };
/** Letters typed within this time belong together. */
const typeAheadMs = 700;

interface TreeProps {
  rows: readonly TreeRow[];
  onExpand: (path: string, isExpanded: boolean) => void;
  onUpload: (folder: string, files: { path: string; file: File }[]) => void;
}

export function Tree({ rows, onExpand, onUpload }: TreeProps) {
  const { place, go, ask } = useFiles();
  const [menu, setMenu] = useState<MenuPlace | null>(null);
  const viewport = useRef<HTMLDivElement>(null);
  const { virtualizer, heightPx } = useTreeVirtualizer(rows, viewport);
  const { active, activeIndex, setActive, moveTo, indexOf } = useActiveRow(rows, (index) =>
    virtualizer.scrollToIndex(index),
  );
  const drop = useDropTarget(onUpload);
  const openMenu = (row: EntryRow, at: { x: number; y: number }): void => {
    setActive(row.path);
    setMenu({ path: row.path, isFolder: row.isFolder, ...at });
  };
  const activate = (row: EntryRow): void => {
    setActive(row.path);
    if (row.isFolder) onExpand(row.path, !row.isExpanded);
    else go({ file: row.path, line: null });
  };
  const act = ({ type, path }: EntryAction): void => {
    const row = rows[indexOf(path)];
    if (row?.kind !== 'entry') return;
    if (type === 'expand' || type === 'collapse') onExpand(path, type === 'expand');
    else if (type === 'open') activate(row);
    else if (type === 'menu') openMenu(row, placeBelow(lineId(path)));
    else ask({ type, path, isFolder: row.isFolder });
  };
  const pageSize = () => Math.max(Math.floor((viewport.current?.clientHeight ?? 0) / heightPx) - 1, 1);
  const onKeyDown = useTreeKeys({ rows, active, pageSize, moveTo, act });

  return (
    <>
      <div
        ref={viewport}
        className={classes.tree}
        role="tree"
        aria-label="Files"
        tabIndex={0}
        aria-activedescendant={active === null || activeIndex === -1 ? undefined : lineId(active)}
        data-drop={drop.folder === '' || undefined}
        onKeyDown={onKeyDown}
        onFocus={() => {
          const first = rows.find((row) => row.kind === 'entry');
          if (activeIndex === -1 && first !== undefined) setActive(first.path);
        }}
        {...drop.props}
      >
        <div role="presentation" style={{ height: virtualizer.getTotalSize(), position: 'relative' }}>
          {withActive(virtualizer.getVirtualItems(), activeIndex, heightPx).map(({ index, start }) => {
            const row = rows[index];
            return row === undefined ? null : (
              <TreeLine
                key={row.kind === 'entry' ? row.path : `${row.path}/ note`}
                id={row.kind === 'entry' ? lineId(row.path) : undefined}
                row={row}
                topPx={start}
                heightPx={heightPx}
                isActive={index === activeIndex}
                isShown={row.path === place.file}
                isDropTarget={drop.folder !== '' && drop.folder === row.path}
                onActivate={activate}
                onMenu={openMenu}
              />
            );
          })}
        </div>
      </div>
      <EntryMenu place={menu} onClose={() => setMenu(null)} returnFocus={() => viewport.current?.focus()} />
    </>
  );
}

/** The row that the keys act on. A file that is opened elsewhere, such as by a search, becomes the active row. */
function useActiveRow(rows: readonly TreeRow[], scrollToIndex: (index: number) => void) {
  const { place } = useFiles();
  const [active, setActive] = useState<string | null>(place.file);
  const [followed, setFollowed] = useState(place.file);
  const indexOf = (path: string | null): number => rows.findIndex((row) => row.kind === 'entry' && row.path === path);
  const shown = place.file;
  if (followed !== shown) {
    setFollowed(shown);
    if (shown !== null) setActive(shown);
  }
  const isShownListed = indexOf(shown) !== -1;
  const scrollTo = useEffectEvent((path: string) => scrollToIndex(indexOf(path)));
  useEffect(() => {
    if (isShownListed && shown !== null) scrollTo(shown);
  }, [shown, isShownListed]);
  const moveTo = (path: string): void => {
    setActive(path);
    scrollToIndex(indexOf(path));
  };
  return { active, activeIndex: indexOf(active), setActive, moveTo, indexOf };
}

type EntryAction = Exclude<TreeAction, { type: 'move' }>;

interface TreeKeysInput {
  rows: readonly TreeRow[];
  active: string | null;
  pageSize: () => number;
  moveTo: (path: string) => void;
  act: (action: EntryAction) => void;
}

function useTreeKeys({ rows, active, pageSize, moveTo, act }: TreeKeysInput) {
  const typed = useTypedLetters();
  return (event: KeyboardEvent): void => {
    const { key, shiftKey } = event;
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    // A space belongs to the typed name while somebody is typing one.
    const isTyping = typed.current() !== '' && key === ' ';
    const action = isTyping ? null : treeAction(rows, active, { key, shiftKey, hasModifier, pageSize: pageSize() });
    if (action === null && (hasModifier || key.length !== 1)) return;
    event.preventDefault();
    if (action === null) {
      const found = typeAhead(rows, active, typed.add(key));
      if (found !== null) moveTo(found);
    } else if (action.type === 'move') {
      moveTo(action.to);
    } else {
      act(action);
    }
  };
}

/** Names of files may contain spaces, which an id must not. */
const lineId = (path: string): string => `tree-${encodeURIComponent(path.toWellFormed())}`;

function useTreeVirtualizer(rows: readonly TreeRow[], viewport: RefObject<HTMLDivElement | null>) {
  const isTouch = useMediaQuery('(pointer: coarse), (max-width: 760px)', false, { getInitialValueInEffect: false });
  const heightPx = isTouch ? rowHeightPx.touch : rowHeightPx.mouse;
  // oxlint-disable-next-line react/incompatible-library -- nothing here is memoized
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => heightPx,
    overscan: 12,
  });
  useEffect(() => {
    if (heightPx > 0) virtualizer.measure();
  }, [virtualizer, heightPx]);
  return { virtualizer, heightPx };
}

/** The active row is rendered even when it is scrolled out of view, because the tree refers to it. */
function withActive(items: { index: number; start: number }[], activeIndex: number, heightPx: number) {
  if (activeIndex === -1 || items.some(({ index }) => index === activeIndex)) return items;
  return [...items, { index: activeIndex, start: activeIndex * heightPx }];
}

function placeBelow(id: string): { x: number; y: number } {
  const box = document.querySelector(`#${CSS.escape(id)}`)?.getBoundingClientRect();
  return { x: (box?.left ?? 0) + 24, y: box?.bottom ?? 0 };
}

function useTypedLetters() {
  const { clock } = useApp();
  const letters = useRef({ text: '', atMs: 0 });
  const current = (): string => (clock.monotonic() - letters.current.atMs < typeAheadMs ? letters.current.text : '');
  return {
    current,
    add(letter: string): string {
      letters.current = { text: current() + letter, atMs: clock.monotonic() };
      return letters.current.text;
    },
  };
}

const hasFiles = (event: DragEvent): boolean => event.dataTransfer.types.includes('Files');

/** Files dropped on a folder go into it. Those dropped on a file, or below the rows, go into the folder around. */
function targetOf(event: DragEvent): string {
  const line = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-path]') : null;
  const path = line?.dataset['path'] ?? '';
  return line === null || line.dataset['folder'] === 'true' ? path : folderOf(path);
}

function useDropTarget(onUpload: TreeProps['onUpload']) {
  const [folder, setFolder] = useState<string | null>(null);
  return {
    folder,
    props: {
      onDragOver: (event: DragEvent) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = 'copy';
        setFolder(targetOf(event));
      },
      onDragLeave: (event: DragEvent) => {
        const isInside = event.relatedTarget instanceof Node && event.currentTarget.contains(event.relatedTarget);
        if (!isInside) setFolder(null);
      },
      onDrop: (event: DragEvent) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setFolder(null);
        const target = targetOf(event);
        void filesOfDrop(event.dataTransfer).then((files) => onUpload(target, files));
      },
    },
  };
}
