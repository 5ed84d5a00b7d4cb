/** The files of projects in the SDK: whole folders and files where the API gives parts, and bytes over HTTP. */

import type { TRPCClient } from '@trpc/client';

import type { AppRouter } from '../../server/router.ts';
import { AppError, type AppErrorCode } from '../contract/errors.ts';
import { maxUploadPartBytes, messageOfProxy } from '../contract/file-limits.ts';
import type {
  FileEntry,
  FileMatches,
  FilesEvent,
  GitDiff,
  GitStatus,
  UnsavedWork,
  WrittenFile,
} from '../contract/files.ts';
import { readAppError } from './read-app-error.ts';

/** A file or folder of a project. The path has no slash at its ends; the empty path is the project's folder. */
export interface FileRef {
  id: string;
  path: string;
}

/** @throws AppError as `projects`; CONFLICT when a file was changed in between, or exists already */
export interface FileCalls {
  /** All entries of a folder: folders first, then by name. */
  list(folder: { id: string; path?: string }): Promise<FileEntry[]>;
  stat(file: FileRef): Promise<FileEntry>;
  /** The whole text, and its version for `write`. @throws AppError UNSUPPORTED for a file that is binary or above 5 MiB */
  read(file: FileRef): Promise<{ content: string; version: string }>;
  /** @param file.version the version that was read; `null` creates the file */
  write(file: FileRef & { content: string; version: string | null }): Promise<WrittenFile>;
  makeFolder(folder: FileRef): Promise<FileEntry>;
  rename(file: { id: string; from: string; to: string }): Promise<FileEntry>;
  copy(file: { id: string; from: string; to: string }): Promise<FileEntry>;
  /** Also deletes what is in a folder. */
  delete(file: FileRef): Promise<void>;
  search(search: { id: string; query: string; mode: 'name' | 'text' }): Promise<FileMatches>;
  gitStatus(project: { id: string }): Promise<GitStatus>;
  /** What git knows to be only on the volume: changes that are not committed, commits that are not pushed. */
  unsaved(project: { id: string }): Promise<UnsavedWork>;
  gitDiff(project: { id: string; path?: string }): Promise<GitDiff>;
  /** The bytes of a file of any size. */
  download(file: FileRef, options?: { signal?: AbortSignal }): Promise<ReadableStream<Uint8Array>>;
  /** A folder as `.tar.gz`. */
  downloadFolder(folder: FileRef, options?: { signal?: AbortSignal }): Promise<ReadableStream<Uint8Array>>;
  /** @param file.replace whether a file of this name may be replaced; `false` by default */
  upload(file: FileRef & { content: Blob; replace?: boolean }, options?: { signal?: AbortSignal }): Promise<void>;
  /** Says when entries of these folders, or the content of these files, change. */
  watch(
    watched: { id: string; folders?: string[]; files?: string[] },
    options: { signal: AbortSignal; onEvent: (event: FilesEvent) => void; onError?: (error: unknown) => void },
  ): void;
}

interface FileCallDeps {
  trpc: TRPCClient<AppRouter>;
  /** Where the application is, without a slash at the end. */
  base: string;
  headers: Record<string, string>;
  withAppErrors: <T>(call: Promise<T>) => Promise<T>;
}

export function createFileCalls({ trpc: { files }, base, headers, withAppErrors }: FileCallDeps): FileCalls {
  const address = (id: string, kind: 'content' | 'archive', params: Record<string, string>) =>
    `${base}/files/${encodeURIComponent(id)}/${kind}?${new URLSearchParams(params).toString()}`;

  async function download(kind: 'content' | 'archive', { id, path }: FileRef, signal?: AbortSignal) {
    const response = await fetch(address(id, kind, { path }), { headers, ...(signal ? { signal } : {}) });
    if (!response.ok || response.body === null) throw await errorOf(response);
    return response.body;
  }

  return {
    async list({ id, path = '' }) {
      const entries: FileEntry[] = [];
      let cursor: string | null = null;
      do {
        const page: { entries: FileEntry[]; nextCursor: string | null } = await withAppErrors(
          files.list.query({ id, path, cursor }),
        );
        entries.push(...page.entries);
        cursor = page.nextCursor;
      } while (cursor !== null);
      return entries;
    },
    stat: (file) => withAppErrors(files.stat.query(file)),
    read: ({ id, path }) => readWhole((offset) => withAppErrors(files.read.query({ id, path, offset })), path),
    write: (file) => withAppErrors(files.write.mutate(file)),
    makeFolder: (folder) => withAppErrors(files.makeFolder.mutate(folder)),
    rename: (file) => withAppErrors(files.rename.mutate(file)),
    copy: (file) => withAppErrors(files.copy.mutate(file)),
    delete: async (file) => void (await withAppErrors(files.delete.mutate(file))),
    search: (search) => withAppErrors(files.search.query(search)),
    unsaved: (project) => withAppErrors(files.unsaved.query(project)),
    gitStatus: (project) => withAppErrors(files.gitStatus.query(project)),
    gitDiff: (project) => withAppErrors(files.gitDiff.query(project)),
    download: (file, { signal } = {}) => download('content', file, signal),
    downloadFolder: (folder, { signal } = {}) => download('archive', folder, signal),
    async upload({ id, path, content, replace = false }, { signal } = {}) {
      const upload = crypto.randomUUID();
      let offset = 0;
      do {
        const part = content.slice(offset, offset + maxUploadPartBytes);
        const params = { path, upload, offset: `${offset}`, total: `${content.size}`, replace: `${replace}` };
        const response = await fetch(address(id, 'content', params), {
          method: 'PUT',
          headers: { ...headers, 'content-type': 'application/octet-stream' },
          body: part,
          ...(signal ? { signal } : {}),
        });
        if (!response.ok) throw await errorOf(response);
        offset += part.size;
      } while (offset < content.size);
    },
    watch(watched, { signal, onEvent, onError }) {
      const subscription = files.onChange.subscribe(watched, {
        onData: onEvent,
        onError: (error) => onError?.(readAppError(error) ?? error),
      });
      signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
    },
  };
}

type ReadPart = (offset: number) => Promise<{
  content: string;
  version: string | null;
  isBinary: boolean;
  nextOffset: number | null;
}>;

/** A file that changes between two parts is read again from its beginning, this often. */
const maxAttempts = 5;

async function readWhole(readPart: ReadPart, path: string): Promise<{ content: string; version: string }> {
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    let content = '';
    let offset: number | null = 0;
    let first: string | null = null;
    while (offset !== null) {
      const part: Awaited<ReturnType<ReadPart>> = await readPart(offset);
      if (part.isBinary || part.version === null) {
        throw new AppError('UNSUPPORTED', `“${path}” is binary or larger than 5 MiB. Download it instead.`);
      }
      first ??= part.version;
      if (part.version !== first) break;
      content += part.content;
      offset = part.nextOffset;
    }
    if (offset === null && first !== null) return { content, version: first };
  }
  throw new AppError('CONFLICT', `“${path}” changes too often to be read whole. Try again, or download it.`);
}

async function errorOf(response: Response): Promise<AppError> {
  const body = (await response.json().catch(() => null)) as {
    error?: { message?: string; data?: { appCode?: AppErrorCode } };
  } | null;
  const message = body?.error?.message ?? messageOfProxy(response.status);
  return new AppError(body?.error?.data?.appCode ?? 'UNAVAILABLE', message);
}
