/** The open files of each project that was visited in this window. A visit to another page keeps them, with unsaved texts. */

import type { trpc } from '../api/trpc.ts';
import { createDraftStorage } from './editor/draft-storage.ts';
import { createFileStore, type FileStore } from './editor/file-store.ts';
import { keepDrafts } from './editor/keep-drafts.ts';
import { largeLength, writeLargeFile } from './editor/write-large-file.ts';

export type Client = ReturnType<typeof trpc.useUtils>['client'];

const stores = new Map<string, FileStore>();

/** Returns the store of a project. The first call opens the files that were open before a reload. */
export function fileStoreOf(id: string, client: Client): FileStore {
  const known = stores.get(id);
  if (known !== undefined) return known;
  const drafts = createDraftStorage(id, () => window.sessionStorage);
  const store = createFileStore({
    readPart: (input) => client.files.read.query({ id, ...input }),
    write: (input) =>
      input.content.length > largeLength
        ? writeLargeFile({ id, ...input })
        : client.files.write.mutate({ id, ...input }),
    drafts,
  });
  stores.set(id, store);
  keepDrafts(store, drafts, window);
  store.restore();
  return store;
}
