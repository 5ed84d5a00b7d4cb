/** The visible rows of the file tree, from the expanded folders, the entries that were read, and the status of git. */

import type { FileEntry, GitFileStatus } from '../../../shared/contract/files.ts';
import { joinPath } from '../paths.ts';
import type { GitMarks } from './git-marks.ts';

/** What is known about a folder. */
export interface FolderContent {
  entries: readonly FileEntry[];
  /** Further pages are being read. */
  isLoading: boolean;
  /** Why the entries could not be read, or `null`. */
  problem: string | null;
}

export interface EntryRow {
  kind: 'entry';
  path: string;
  entry: FileEntry;
  isFolder: boolean;
  isExpanded: boolean;
  /** Counted from 1. */
  level: number;
  /** Among the entries of the same folder, counted from 1. */
  position: number;
  setSize: number;
  git: GitFileStatus | 'contains-changes' | null;
}

/** A line below a folder that is not an entry: it is loading, it is empty, or it could not be read. */
export interface NoteRow {
  kind: 'note';
  /** The folder that the line is about. */
  path: string;
  level: number;
  note: 'loading' | 'empty' | 'failed';
  message: string;
}

export type TreeRow = EntryRow | NoteRow;

interface TreeInput {
  folders: ReadonlyMap<string, FolderContent>;
  expanded: ReadonlySet<string>;
  git: GitMarks;
}

/** Whether the entry can be expanded. A link to a folder can. */
export const isFolderEntry = (entry: Pick<FileEntry, 'kind' | 'leadsTo'>): boolean =>
  entry.kind === 'directory' || entry.leadsTo === 'directory';

/** The rows from top to bottom. The folder of git is left out: it is not for editing. */
export function treeRows(input: TreeInput): TreeRow[] {
  const rows: TreeRow[] = [];
  addRows(rows, input, { folder: '', level: 1 });
  return rows;
}

function addRows(rows: TreeRow[], input: TreeInput, { folder, level }: { folder: string; level: number }): void {
  const content = input.folders.get(folder);
  const entries = visibleEntries(content);
  for (const [index, entry] of entries.entries()) {
    const path = joinPath(folder, entry.name);
    const isFolder = isFolderEntry(entry);
    const isExpanded = isFolder && input.expanded.has(path);
    const git = isFolder && input.git.folders.has(path) ? 'contains-changes' : (input.git.files.get(path) ?? null);
    const place = { level, position: index + 1, setSize: entries.length };
    rows.push({ kind: 'entry', path, entry, isFolder, isExpanded, ...place, git });
    if (isExpanded) addRows(rows, input, { folder: path, level: level + 1 });
  }
  const note = noteOf(content, entries.length);
  if (note !== null) rows.push({ kind: 'note', path: folder, level, ...note });
}

function visibleEntries(content: FolderContent | undefined): readonly FileEntry[] {
  if (content === undefined) return [];
  return content.entries.some(isGitFolder) ? content.entries.filter((entry) => !isGitFolder(entry)) : content.entries;
}

const isGitFolder = ({ name }: FileEntry): boolean => name === '.git';

function noteOf(content: FolderContent | undefined, shown: number): Pick<NoteRow, 'note' | 'message'> | null {
  if (content?.problem != null) return { note: 'failed', message: content.problem };
  if (content === undefined || content.isLoading) return { note: 'loading', message: 'Loading…' };
  return shown === 0 ? { note: 'empty', message: 'This folder is empty.' } : null;
}
