/** Holds the open files and tells listeners about each change. The order of the tabs is kept in the drafts' storage. */

import type { DraftStorage } from './draft-storage.ts';
import { openFilesReducer, type OpenFile, type OpenFiles, type OpenFilesEvent, type TextFile } from './open-files.ts';

export type OpenFileList = ReturnType<typeof createOpenFileList>;

export function createOpenFileList(drafts: Pick<DraftStorage, 'writeOpened'>) {
  let files: OpenFiles = [];
  const listeners = new Set<() => void>();
  const find = (path: string): OpenFile | undefined => files.find((file) => file.path === path);
  return {
    get: (): OpenFiles => files,
    subscribe: (listener: () => void): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    find,
    findText(path: string): TextFile | null {
      const file = find(path);
      return file?.kind === 'text' ? file : null;
    },
    dispatch: (event: OpenFilesEvent): void => {
      const before = files;
      files = openFilesReducer(files, event);
      if (files === before) return;
      if (event.type === 'opened' || event.type === 'closed' || event.type === 'moved') {
        drafts.writeOpened(files.map(({ path }) => path));
      }
      for (const listener of listeners) listener();
    },
  };
}
