/** The uploads of one project in this window: one file at a time, with progress, cancelling and a question on conflicts. */

import { readError } from '../../api/read-error.ts';
import { folderOf } from '../paths.ts';
import { uploadFile, UploadError } from './upload-file.ts';

export interface Upload {
  id: string;
  path: string;
  size: number;
  sentBytes: number;
  /** `exists`: a file with this name exists, and a person has to decide. */
  state: 'waiting' | 'running' | 'exists' | 'done' | 'failed';
  message: string | null;
}

interface UploadStoreDeps {
  projectId: string;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  newId: () => string;
  /** Makes folders, outermost first, unless they exist. */
  makeFolders: (paths: readonly string[]) => Promise<void>;
}

export interface AddedFile {
  path: string;
  file: Blob;
  /** Folders above it that may be missing, outermost first. */
  folders: readonly string[];
}

export type UploadStore = ReturnType<typeof createUploadStore>;

export function createUploadStore({ projectId, fetch, newId, makeFolders }: UploadStoreDeps) {
  let uploads: readonly Upload[] = [];
  const files = new Map<string, Omit<AddedFile, 'path'> & { replace: boolean }>();
  const madeFolders = new Set<string>();
  const listeners = new Set<() => void>();
  const arrivalListeners = new Set<(folder: string) => void>();
  let running: { id: string; controller: AbortController } | null = null;

  function set(changed: readonly Upload[]): void {
    uploads = changed;
    for (const listener of listeners) listener();
  }
  const update = (id: string, change: Partial<Upload>): void =>
    set(uploads.map((upload) => (upload.id === id ? { ...upload, ...change } : upload)));

  async function next(): Promise<void> {
    const upload = uploads.find(({ state }) => state === 'waiting');
    const source = upload === undefined ? undefined : files.get(upload.id);
    if (running !== null || upload === undefined || source === undefined) return;
    const { id, path } = upload;
    const controller = new AbortController();
    running = { id, controller };
    update(id, { state: 'running', sentBytes: 0, message: null });
    try {
      const onProgress = (sentBytes: number): void => update(id, { sentBytes });
      const missing = source.folders.filter((folder) => !madeFolders.has(folder));
      await makeFolders(missing);
      for (const folder of missing) madeFolders.add(folder);
      const { file, replace } = source;
      const input = { projectId, path, file, replace, signal: controller.signal, onProgress };
      await uploadFile(input, { fetch, upload: newId() });
      files.delete(id);
      update(id, { state: 'done' });
      for (const listener of arrivalListeners) listener(folderOf(source.folders[0] ?? path));
    } catch (error) {
      if (!controller.signal.aborted) update(id, failureOf(error));
    }
    running = null;
    void next();
  }

  function remove(ids: readonly string[]): void {
    for (const id of ids) files.delete(id);
    set(uploads.filter(({ id }) => !ids.includes(id)));
    if (running !== null && ids.includes(running.id)) running.controller.abort();
  }

  return {
    get: (): readonly Upload[] => uploads,
    subscribe: (listener: () => void): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** Calls `listener` with the folder of each file that has arrived. */
    onArrived(listener: (folder: string) => void): () => void {
      arrivalListeners.add(listener);
      return () => arrivalListeners.delete(listener);
    },
    add(added: readonly AddedFile[]): void {
      const entries = added.map(({ path, file, folders }) => {
        const id = newId();
        files.set(id, { file, folders, replace: false });
        return { id, path, size: file.size, sentBytes: 0, state: 'waiting', message: null } as const;
      });
      set([...uploads.filter(({ state }) => state !== 'done'), ...entries]);
      void next();
    },
    /** Sends these files again: in place of those that exist, or after a failure. */
    retry(ids: readonly string[], { replace }: { replace: boolean }): void {
      for (const id of ids) {
        const source = files.get(id);
        if (source !== undefined) files.set(id, { ...source, replace: replace || source.replace });
      }
      set(uploads.map((upload) => (ids.includes(upload.id) ? { ...upload, state: 'waiting' } : upload)));
      void next();
    },
    /** Takes these uploads from the list, and cancels the one that runs. */
    remove,
  };
}

function failureOf(error: unknown): Partial<Upload> {
  if (error instanceof UploadError && error.code === 'CONFLICT') return { state: 'exists', message: error.message };
  const message = error instanceof UploadError ? error.message : readError(error).message;
  return { state: 'failed', message };
}
