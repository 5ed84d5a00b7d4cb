/** Creates, renames, copies and deletes entries, and brings tree, tabs and address along. */

import { useQueryClient } from '@tanstack/react-query';

import { isUnsaved } from './editor/open-files.ts';
import type { FilesContextValue } from './files-context.ts';
import { makeFolders } from './make-folders.ts';
import { folderOf, foldersAbove, isAtOrIn, movedPath, nameOf } from './paths.ts';
import type { Expanded } from './use-expanded.ts';
import { folderKey } from './use-folders.ts';

export type EntryActions = ReturnType<typeof useEntryActions>;

export function useEntryActions(files: FilesContextValue, expanded: Expanded) {
  const queryClient = useQueryClient();
  const { client, project, store, place, go, invalidate, announce } = files;
  const { id } = project;
  /** Folders that were made on the way to a path appear in the folder above them. */
  const invalidateAbove = (path: string): void => {
    const folders = [''];
    for (let folder = folderOf(path); folder !== ''; folder = folderOf(folder)) folders.push(folder);
    invalidate(folders);
    expanded.reveal(path);
  };
  const namesIn = (folder: string): string[] =>
    queryClient.getQueryData<{ entries: { name: string }[] }>(folderKey(id, folder))?.entries.map(({ name }) => name) ??
    [];
  /** The file browser makes no folders on the way to a path. */
  const makeFoldersAbove = (path: string): Promise<void> => {
    const missing = foldersAbove(path).filter((folder) => !namesIn(folderOf(folder)).includes(nameOf(folder)));
    return makeFolders(client, id, missing);
  };
  return {
    /** The names that the tree knows of a folder. */
    namesIn,
    async createFile(path: string): Promise<void> {
      await makeFoldersAbove(path);
      await client.files.write.mutate({ id, path, content: '', version: null });
      invalidateAbove(path);
      announce(`“${path}” was created.`);
      files.editorFocus.request();
      go({ view: 'files', file: path, line: null });
    },
    async createFolder(path: string): Promise<void> {
      await makeFoldersAbove(path);
      await client.files.makeFolder.mutate({ id, path });
      invalidateAbove(path);
      expanded.setExpanded(path, true);
      announce(`“${path}” was created.`);
    },
    async rename(from: string, to: string): Promise<void> {
      await makeFoldersAbove(to);
      await client.files.rename.mutate({ id, from, to });
      expanded.move(from, to);
      store.move(from, to);
      invalidateAbove(to);
      invalidate([folderOf(from)]);
      announce(`“${from}” is now “${to}”.`);
      if (place.file !== null && isAtOrIn(place.file, from)) {
        go({ file: movedPath(place.file, from, to) }, { replace: true });
      }
    },
    async copy(from: string, to: string): Promise<void> {
      await makeFoldersAbove(to);
      await client.files.copy.mutate({ id, from, to });
      invalidateAbove(to);
      announce(`“${from}” was copied to “${to}”.`);
    },
    async remove(path: string): Promise<void> {
      await client.files.delete.mutate({ id, path });
      expanded.remove(path);
      invalidate([folderOf(path)]);
      announce(`“${path}” was deleted.`);
      const opened = store.get().filter((file) => isAtOrIn(file.path, path));
      // Unsaved texts stay open and say that their file is gone.
      for (const file of opened) if (!isUnsaved(file)) files.close(file.path, { isConfirmed: true });
      await store.refresh(opened.map((file) => file.path));
    },
  };
}
