import { count } from '../../ui/format.ts';
import { foldersAbove, joinPath } from '../paths.ts';
import type { ChosenFile } from './dropped-files.ts';
import type { UploadStore } from './upload-store.ts';

interface Chosen {
  folder: string;
  files: readonly ChosenFile[];
  announce: (message: string) => void;
}

/** Starts to upload the files into the folder. */
export function addUploads(uploads: UploadStore, { folder, files, announce }: Chosen): void {
  if (files.length === 0) return;
  uploads.add(
    files.map(({ path, file }) => ({
      path: joinPath(folder, path),
      file,
      folders: foldersAbove(path).map((above) => joinPath(folder, above)),
    })),
  );
  announce(`Uploading ${count(files.length, 'file')}.`);
}
