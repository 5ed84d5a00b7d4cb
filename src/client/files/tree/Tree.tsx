/** The tree of files. Only the rows in view are rendered. The focus stays on the tree, which names the active row. */

import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useEffectEvent, useRef, useState, type DragEvent, type KeyboardEvent } from 'react';

import { useApp } from '../../app-context.ts';
import { useFiles } from '../files-context.ts';
import { folderOf } from '../paths.ts';
import { filesOfDrop } from '../upload/dropped-files.ts';
import { EntryMenu, type MenuPlace } from './EntryMenu.tsx';
import { treeAction, typeAhead } from './tree-keys.ts';
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
  const [active, setActive] = useState<string | null>(place.file);
  const [menu, setMenu] = useState<MenuPlace | null>(null);
  const viewport = useRef<HTMLDivElement>(null);
  const virtualizer = useTreeVirtualizer(rows, viewport);
  const typed = useTypedLetters();
  const indexOf = (path: string | null): number => rows.findIndex((row) => row.kind === 'entry' && row.path === path);
  const activeIndex = indexOf(active);
  const drop = useDropTarget(onUpload);

  const moveTo = (path: string): void => {
    setActive(path);
    virtualizer.scrollToIndex(indexOf(path));
  };
  const openMenu = (path: string, at: { x: number; y: number }): void => {
    const row = rows[indexOf(path)];
    if (row?.kind !== 'entry') return;
    setActive(path);
    setMenu({ path, isFolder: row.isFolder, ...at });
  };
  const activate = (row: EntryRow): void => {
    setActive(row.path);
    if (row.isFolder) onExpand(row.path, !row.isExpanded);
    else go({ file: row.path, line: null });
  };

  // A file that is opened elsewhere, such as by a search, becomes the active row.
  const [followed, setFollowed] = useState(place.file);
  if (followed !== place.file) {
    setFollowed(place.file);
    if (place.file !== null) setActive(place.file);
  }
  const scrollTo = useEffectEvent((path: string) => virtualizer.scrollToIndex(indexOf(path)));
  const shownFile = place.file;
  const isShownListed = indexOf(shownFile) !== -1;
  useEffect(() => {
    if (isShownListed && shownFile !== null) scrollTo(shownFile);
  }, [shownFile, isShownListed]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    const pageSize = Math.max(Math.floor((viewport.current?.clientHeight ?? 0) / rowHeightPx.mouse) - 1, 1);
    // A space belongs to the typed name while somebody is typing one.
    const isTyping = typed.current() !== '' && event.key === ' ';
    const stroke = { key: event.key, shiftKey: event.shiftKey, hasModifier, pageSize };
    const action = isTyping ? null : treeAction(rows, active, stroke);
    if (action === null) {
      if (hasModifier || event.key.length !== 1) return;
      event.preventDefault();
      const found = typeAhead(rows, active, typed.add(event.key));
      if (found !== null) moveTo(found);
      return;
    }
    event.preventDefault();
    if (action.type === 'move') return moveTo(action.to);
    const row = rows[indexOf(action.path)];
    if (row?.kind !== 'entry') return;
    if (action.type === 'expand' || action.type === 'collapse') onExpand(row.path, action.type === 'expand');
    else if (action.type === 'open') activate(row);
    else if (action.type === 'menu') openMenu(row.path, placeBelow(lineId(row.path)));
    else ask({ type: action.type, path: row.path, isFolder: row.isFolder });
  };

  return (
    <>
      <div
        ref={viewport}
        className={classes.tree}
        role="tree"
        aria-label="Files"
        tabIndex={0}
        aria-activedescendant={activeIndex === -1 ? undefined : lineId(active ?? '')}
        data-drop={drop.folder === '' || undefined}
        onKeyDown={onKeyDown}
        onFocus={() => {
          const first = rows.find((row) => row.kind === 'entry');
          if (activeIndex === -1 && first !== undefined) setActive(first.path);
        }}
        {...drop.props}
      >
        <div role="presentation" style={{ height: virtualizer.getTotalSize(), position: 'relative' }}>
          {withActive(virtualizer.getVirtualItems(), activeIndex, virtualizer.options.estimateSize(0)).map((item) => {
            const row = rows[item.index];
            return row === undefined ? null : (
              <TreeLine
                key={row.kind === 'entry' ? row.path : `${row.path}/ note`}
                id={row.kind === 'entry' ? lineId(row.path) : undefined}
                row={row}
                topPx={item.start}
                isActive={item.index === activeIndex}
                isShown={row.path === place.file}
                isDropTarget={drop.folder !== null && drop.folder !== '' && drop.folder === row.path}
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

const lineId = (path: string): string => `tree-${path}`;

function useTreeVirtualizer(rows: readonly TreeRow[], viewport: React.RefObject<HTMLDivElement | null>) {
  const [isTouch] = useState(() => window.matchMedia('(pointer: coarse), (max-width: 600px)').matches);
  const height = isTouch ? rowHeightPx.touch : rowHeightPx.mouse;
  // oxlint-disable-next-line react/incompatible-library -- nothing here is memoized
  return useVirtualizer({
    count: rows.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => height,
    overscan: 12,
  });
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
