/** What can be done with the files of one project. Each path is below one folder; see `places.ts` for how that is kept. */

import type { FileContent, FileEntry, FileList, FileMatches, WrittenFile } from '../../shared/contract/files.ts';
import { packFolder, type Archive } from './archive.ts';
import { watchChanges, type Changes, type Watched } from './changes.ts';
import { createContentWriter, readPart } from './content.ts';
import { createTreeEditor, type TreeEditor } from './edit.ts';
import { describeEntry, listFolder } from './entries.ts';
import { createPlaces, openFile } from './places.ts';
import { searchNames, searchText } from './search.ts';
import { cancelUpload, receivePart, type UploadPart } from './upload.ts';

/** Every function throws WorkspaceError for what a caller can do wrong. */
export interface Workspace extends TreeEditor {
  list(path: string, cursor: string | null): Promise<FileList>;
  /** The entry itself. A link is not followed. */
  stat(path: string): Promise<FileEntry & { target: string | null }>;
  read(path: string, part: { offset: number; limit: number }): Promise<FileContent>;
  write(path: string, bytes: Buffer, version: string | null): Promise<WrittenFile>;
  /** Calls `send` with the size of the whole file and its bytes, which it must read or cancel. */
  download<T>(path: string, send: (size: number, stream: NodeJS.ReadableStream) => Promise<T>): Promise<T>;
  archive(path: string): Promise<Archive>;
  /** @returns whether the file is complete */
  upload(path: string, part: UploadPart, bytes: Buffer): Promise<boolean>;
  cancelUpload(path: string, upload: string): Promise<void>;
  search(query: string, mode: 'name' | 'text'): Promise<FileMatches>;
  changes(watched: Watched, options: { signal: AbortSignal; heartbeatMs: number }): AsyncGenerator<Changes>;
}

export async function createWorkspace(
  folder: string,
  onBackgroundError: (error: unknown) => void = () => undefined,
): Promise<Workspace> {
  const places = await createPlaces(folder);
  return {
    ...createTreeEditor(places, onBackgroundError),
    ...createContentWriter(places),
    list: (path, cursor) => listFolder(places, path, cursor),
    stat: (path) => describeEntry(places, path),
    read: (path, part) => readPart(places, path, part),
    download: (path, send) =>
      places.atPlace(path, { follow: true }, async (place) => {
        const file = await openFile(place, path);
        try {
          const { size } = await file.stat();
          // A file that grows meanwhile is sent as long as it was.
          const stream = file.createReadStream({ start: 0, end: Math.max(0, size - 1), autoClose: false });
          return await send(size, stream);
        } finally {
          await file.close();
        }
      }),
    archive: (path) => packFolder(places, path),
    upload: (path, part, bytes) => receivePart(places, path, part, bytes),
    cancelUpload: (path, upload) => cancelUpload(places, path, upload),
    search: (query, mode) => (mode === 'name' ? searchNames(places, query) : searchText(places, query)),
    changes: (watched, options) => watchChanges(places, watched, options),
  };
}
