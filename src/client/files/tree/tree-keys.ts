/** The keyboard of the tree, as in the WAI-ARIA tree pattern. Pure functions. */

import { folderOf } from '../paths.ts';
import type { EntryRow, TreeRow } from './tree-rows.ts';

export type TreeAction =
  | { type: 'move'; to: string }
  | { type: 'expand' | 'collapse' | 'open' | 'rename' | 'delete' | 'menu'; path: string };

export interface TreeStroke {
  key: string;
  shiftKey: boolean;
  /** Control, Command or Alt. */
  hasModifier: boolean;
  /** How many rows fit into the tree. */
  pageSize: number;
}

/** What a key does while `current` is the active row, or `null` when the key is not for the tree. */
export function treeAction(rows: readonly TreeRow[], current: string | null, stroke: TreeStroke): TreeAction | null {
  if (stroke.hasModifier) return null;
  const entries = rows.filter((row): row is EntryRow => row.kind === 'entry');
  const index = entries.findIndex(({ path }) => path === current);
  const row = entries[index];
  const moveTo = (target: number): TreeAction | null => {
    const found = entries[Math.min(Math.max(target, 0), entries.length - 1)];
    return found === undefined ? null : { type: 'move', to: found.path };
  };
  switch (stroke.key) {
    case 'ArrowDown':
      return moveTo(index + 1);
    case 'ArrowUp':
      return moveTo(index - 1);
    case 'PageDown':
      return moveTo(index + stroke.pageSize);
    case 'PageUp':
      return moveTo(index - stroke.pageSize);
    case 'Home':
      return moveTo(0);
    case 'End':
      return moveTo(entries.length - 1);
  }
  return row === undefined ? null : rowAction(row, entries[index + 1], stroke);
}

function rowAction(row: EntryRow, next: EntryRow | undefined, { key, shiftKey }: TreeStroke): TreeAction | null {
  const { path, isFolder, isExpanded } = row;
  switch (key) {
    case 'ArrowRight':
      if (!isFolder) return null;
      if (!isExpanded) return { type: 'expand', path };
      return next !== undefined && next.level > row.level ? { type: 'move', to: next.path } : null;
    case 'ArrowLeft':
      if (isExpanded) return { type: 'collapse', path };
      return row.level > 1 ? { type: 'move', to: folderOf(path) } : null;
    case 'Enter':
    case ' ':
      if (isFolder) return { type: isExpanded ? 'collapse' : 'expand', path };
      return { type: 'open', path };
    case 'F2':
      return { type: 'rename', path };
    case 'Delete':
      return { type: 'delete', path };
    case 'F10':
      return shiftKey ? { type: 'menu', path } : null;
    case 'ContextMenu':
      return { type: 'menu', path };
    default:
      return null;
  }
}

/**
 * The next entry whose name begins with the typed letters. One letter moves on from the current entry; further letters
 * first try the current entry itself. The same letter typed again moves on too.
 */
export function typeAhead(rows: readonly TreeRow[], current: string | null, typed: string): string | null {
  const entries = rows.filter((row): row is EntryRow => row.kind === 'entry');
  const isRepeated = Array.from(typed).every((letter) => letter === typed[0]);
  const prefix = (isRepeated ? typed.slice(0, 1) : typed).toLowerCase();
  const from = entries.findIndex(({ path }) => path === current) + (isRepeated ? 1 : 0);
  for (let step = 0; step < entries.length; step += 1) {
    const row = entries[(Math.max(from, 0) + step) % entries.length];
    if (row?.entry.name.toLowerCase().startsWith(prefix)) return row.path;
  }
  return null;
}
