/** Lists and describes entries of folders. A link is described, and not followed. */

import type { Stats } from 'node:fs';
import { lstat, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

import { maxEntriesPerPage } from '../../shared/contract/file-limits.ts';
import type { FileEntry, FileList } from '../../shared/contract/files.ts';
import type { Folder, Places } from './places.ts';
import { removeTree } from './remove.ts';
import { notFound, withPath, WorkspaceError } from './workspace-error.ts';

/** The names of our own files: unfinished writes and uploads, and what is being deleted. They are not listed. */
const ownName = /^\.opm-(?:upload|deleted)-/;
/** After this time nobody finishes an upload. */
const staleMs = 24 * 60 * 60 * 1000;

export const ownUploadName = (id: string): string => `.opm-upload-${id}`;
export const ownDeletedName = (id: string): string => `.opm-deleted-${id}`;
export const isOwnName = (name: string): boolean => ownName.test(name);

/** @param cursor the `nextCursor` of the page before */
export async function listFolder(places: Places, path: string, cursor: string | null): Promise<FileList> {
  const folder = await places.openFolder(path);
  try {
    const sorted = await sortedKeys(places, folder, { path, isNextPage: cursor !== null });
    const rest = cursor === null ? sorted : sorted.slice(firstAfter(sorted, cursor));
    const page = rest.slice(0, maxEntriesPerPage);
    const entries = await Promise.all(page.map((key) => entryAt(places, folder, key.slice(1))));
    return {
      entries: entries.filter((entry) => entry !== null),
      nextCursor: rest.length > page.length ? (page.at(-1) ?? null) : null,
    };
  } finally {
    await folder.close();
  }
}

interface SortedFolder {
  /** Another one after each change of the folder. */
  state: string;
  keys: string[];
  /** Forgets it. */
  timer: NodeJS.Timeout;
}
/** The last folder with several pages: to read and sort 100,000 names for each of fifty pages would take most of the time. */
const lastSorted = new WeakMap<Places, SortedFolder>();
const keptMs = 10_000;

/** A letter for the kind and the name of each entry, in order. */
async function sortedKeys(
  places: Places,
  folder: Folder,
  { path, isNextPage }: { path: string; isNextPage: boolean },
): Promise<string[]> {
  const { dev, ino, mtimeNs } = await withPath(path, () => stat(folder.self, { bigint: true }));
  const state = `${dev} ${ino} ${mtimeNs}`;
  const last = lastSorted.get(places);
  if (isNextPage && last?.state === state) return last.keys;
  const all = await withPath(path, () => readdir(folder.self, { withFileTypes: true }));
  await removeStale(
    folder,
    all.map(({ name }) => name),
  );
  const keys = all.filter(({ name }) => !isOwnName(name)).map((each) => (each.isDirectory() ? '/' : '0') + each.name);
  // Folders come first, because "/" comes before "0". Names are compared by their characters, which is fast for 100,000.
  const sorted = keys.toSorted();
  if (sorted.length > maxEntriesPerPage) {
    // A timer that goes on would keep what it was for.
    clearTimeout(lastSorted.get(places)?.timer);
    const timer = setTimeout(() => lastSorted.delete(places), keptMs).unref();
    lastSorted.set(places, { state, keys: sorted, timer });
  }
  return sorted;
}

function firstAfter(sorted: readonly string[], cursor: string): number {
  const index = sorted.findIndex((key) => key > cursor);
  return index === -1 ? sorted.length : index;
}

/** The entry itself, and the target of a link as it is written. */
export function describeEntry(places: Places, path: string): Promise<FileEntry & { target: string | null }> {
  return places.atPlace(path, { follow: false }, async ({ folder, name }) => {
    const entry = await entryAt(places, folder, name);
    if (entry === null) throw notFound(path);
    return { ...entry, target: entry.kind === 'link' ? await linkTarget(folder.at(name), places.root) : null };
  });
}

/** `null` when the entry no longer exists. */
export async function entryAt(places: Places, folder: Folder, name: string): Promise<FileEntry | null> {
  const stats = await lstat(folder.at(name)).catch(() => null);
  // A name that is not UTF-8 can be shown, and not be opened.
  if (stats === null) return name.includes('\uFFFD') ? unreadableEntry(name) : null;
  const kind = kindOf(stats);
  return {
    name,
    kind,
    size: kind === 'file' ? stats.size : null,
    modifiedAt: stats.mtime.toISOString(),
    leadsTo: kind === 'link' ? await leadsTo(places, folder.at(name)) : null,
  };
}

function kindOf(stats: Stats): FileEntry['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

const unreadableEntry = (name: string): FileEntry => ({
  name,
  kind: 'other',
  size: null,
  modifiedAt: new Date(0).toISOString(),
  leadsTo: null,
});

async function leadsTo(places: Places, location: string): Promise<FileEntry['leadsTo']> {
  const real = await realpath(location).catch(() => null);
  if (real === null || !places.isInside(real)) return null;
  const stats = await stat(real).catch(() => null);
  if (stats?.isFile()) return 'file';
  return stats?.isDirectory() ? 'directory' : null;
}

/** A target in the project is given relative to its folder. */
async function linkTarget(location: string, root: string): Promise<string> {
  const written = await readlink(location);
  return written.startsWith(root + sep) ? join(sep, relative(root, written)) : written;
}

/** Removes what an earlier run of this program left: uploads that nobody finished, and folders that were being deleted. */
async function removeStale(folder: Folder, names: readonly string[]): Promise<void> {
  for (const name of names.filter(isOwnName)) {
    const stats = await lstat(folder.at(name)).catch(() => null);
    if (stats === null || Date.now() - stats.ctimeMs < staleMs) continue;
    await removeTree(folder, name).catch(() => undefined); // it is tried again with the next list
  }
}

export async function assertMissing(folder: Folder, name: string, path: string): Promise<void> {
  if ((await lstat(folder.at(name)).catch(() => null)) !== null) {
    throw new WorkspaceError(409, `There is already a “${path}”.`);
  }
}
