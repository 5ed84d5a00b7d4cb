/**
 * Unsaved texts and the list of open files, kept in the session storage of the window: both survive a reload and a new
 * sign-in. Two windows on one project do not disturb each other.
 */

import type { Draft } from './open-files.ts';

export interface DraftStorage {
  paths(): string[];
  read(path: string): Draft | null;
  /** Returns whether the text was kept: the storage may be full or blocked. */
  write(path: string, draft: Draft): boolean;
  remove(path: string): void;
  readOpened(): string[];
  writeOpened(paths: readonly string[]): void;
}

type StorageArea = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

export function createDraftStorage(projectId: string, openStorage: () => StorageArea): DraftStorage {
  const prefix = `file-draft:${projectId}:`;
  const openedName = `open-files:${projectId}`;
  /** Browsers that block storage throw at each use. There are no drafts then. */
  function use<Result>(fallback: Result, act: (storage: StorageArea) => Result): Result {
    try {
      return act(openStorage());
    } catch {
      return fallback;
    }
  }
  return {
    paths: () =>
      use([], (storage) =>
        Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '')
          .filter((name) => name.startsWith(prefix))
          .map((name) => name.slice(prefix.length)),
      ),
    read: (path) => use(null, (storage) => asDraft(JSON.parse(storage.getItem(prefix + path) ?? 'null'))),
    write: (path, draft) =>
      use(false, (storage) => {
        storage.setItem(prefix + path, JSON.stringify(draft));
        return true;
      }),
    remove: (path) => use(undefined, (storage) => storage.removeItem(prefix + path)),
    readOpened: () => use([], (storage) => asPaths(JSON.parse(storage.getItem(openedName) ?? '[]'))),
    writeOpened: (paths) => use(undefined, (storage) => storage.setItem(openedName, JSON.stringify(paths))),
  };
}

/** By hand instead of with a schema: the validation library would be loaded for these two shapes alone. */
function asDraft(value: unknown): Draft | null {
  if (typeof value !== 'object' || value === null || !('content' in value) || !('version' in value)) return null;
  const { content, version } = value;
  if (typeof content !== 'string' || (version !== null && typeof version !== 'string')) return null;
  return { content, version };
}

const asPaths = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((path): path is string => typeof path === 'string' && path !== '') : [];
