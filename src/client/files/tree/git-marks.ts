/** What git says about the entries of the tree: a letter for a changed file, a dot for a folder with changes in it. */

import type { GitFileStatus, GitStatus } from '../../../shared/contract/files.ts';
import { foldersAbove } from '../paths.ts';

export interface GitMarks {
  files: ReadonlyMap<string, GitFileStatus>;
  /** Folders with a change at any depth. */
  folders: ReadonlySet<string>;
}

export const noMarks: GitMarks = { files: new Map(), folders: new Set() };

export function marksOf(status: Pick<GitStatus, 'files'>): GitMarks {
  return {
    files: new Map(status.files.map((file) => [file.path, file.status])),
    folders: new Set(status.files.flatMap((file) => foldersAbove(file.path))),
  };
}

export const gitLetters = { added: 'A', modified: 'M', deleted: 'D' } satisfies Record<GitFileStatus, string>;
export const gitWords = { added: 'added', modified: 'modified', deleted: 'deleted' } satisfies Record<
  GitFileStatus,
  string
>;
