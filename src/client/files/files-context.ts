/** What the parts of the Files tab share. */

import { createContext, use } from 'react';

import type { Project } from '../../shared/contract/project.ts';
import type { FileStore } from './editor/file-store.ts';
import type { Client } from './file-stores.ts';
import type { Place } from './place.ts';
import type { UploadStore } from './upload/upload-store.ts';

/** The dialogs of the tab. `path` is the entry; in those that create an entry it is the folder for it. */
export type FileDialog =
  | { type: 'new-file' | 'new-folder'; path: string }
  | { type: 'rename' | 'copy'; path: string; isFolder: boolean }
  | { type: 'delete'; path: string; isFolder: boolean }
  | { type: 'close'; path: string }
  | { type: 'quick-open' };

export interface EditorFocus {
  request: () => void;
  /** Returns whether the focus was requested, once. */
  take: () => boolean;
}

export function createEditorFocus(): EditorFocus {
  let isRequested = false;
  return {
    request: () => {
      isRequested = true;
    },
    take: () => {
      const wasRequested = isRequested;
      isRequested = false;
      return wasRequested;
    },
  };
}

export interface FilesContextValue {
  project: Project;
  isRunning: boolean;
  /** Whether this person may change the files, and not only read them. */
  mayWrite: boolean;
  client: Client;
  store: FileStore;
  uploads: UploadStore;
  place: Place;
  go: (place: Partial<Place>, options?: { replace?: boolean }) => void;
  /** Opens a dialog; `null` closes it. */
  ask: (dialog: FileDialog | null) => void;
  /** Reads folders again, and the status of git. */
  invalidate: (folders: readonly string[]) => void;
  /** Closes the tab of a file, and shows its neighbour when it was the shown one. Asks first when it is unsaved. */
  close: (path: string, options?: { isConfirmed?: boolean }) => void;
  /** The editor takes the focus when it shows the next file, because a person has chosen to go there. */
  editorFocus: EditorFocus;
  /** Says something to screen readers. */
  announce: (message: string) => void;
}

export const FilesContext = createContext<FilesContextValue | null>(null);

/** @throws Error outside of `FilesContext` */
export function useFiles(): FilesContextValue {
  const value = use(FilesContext);
  if (value === null) throw new Error('useFiles was called outside of FilesContext. Wrap the component in it.');
  return value;
}
