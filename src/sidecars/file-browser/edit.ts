/** Changes the tree of files: creates folders, renames, copies and deletes. Nothing is overwritten. */

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, lstat, mkdir, readdir, readlink, rename, symlink, unlink } from 'node:fs/promises';
import { sep } from 'node:path';

import { maxUploadBytes } from '../../shared/contract/file-limits.ts';
import type { FileEntry } from '../../shared/contract/files.ts';
import { assertMissing, entryAt, ownDeletedName } from './entries.ts';
import { openFile, type Place, type Places } from './places.ts';
import { removeTree } from './remove.ts';
import { codeOf, notFound, withPath, WorkspaceError } from './workspace-error.ts';

/** A copy ends within the time that its caller waits. */
const maxCopiedEntries = 10_000;
const maxDepth = 64;

export interface TreeEditor {
  makeFolder(path: string): Promise<FileEntry>;
  rename(from: string, to: string): Promise<FileEntry>;
  copy(from: string, to: string): Promise<FileEntry>;
  /** The entry is gone at once. What a folder contained is removed in the background. */
  delete(path: string): Promise<void>;
}

/** @param onBackgroundError receives what could not be removed */
export function createTreeEditor(places: Places, onBackgroundError: (error: unknown) => void): TreeEditor {
  /** Runs `task` with the places of two entries. */
  const atBoth = <T>(from: string, to: string, task: (source: Place, target: Place) => Promise<T>) =>
    places.atPlace(from, { follow: false }, (source) =>
      places.atPlace(to, { follow: false }, async (target) => {
        if (`${target.real}${sep}`.startsWith(`${source.real}${sep}`)) {
          throw new WorkspaceError(400, `“${from}” cannot be moved or copied into itself.`);
        }
        await assertMissing(target.folder, target.name, to);
        return task(source, target);
      }),
    );

  async function described({ folder, name }: Place, path: string): Promise<FileEntry> {
    const entry = await entryAt(places, folder, name);
    if (entry === null) throw notFound(path);
    return entry;
  }

  return {
    makeFolder: (path) =>
      places.atPlace(path, { follow: false }, async (place) => {
        await mkdir(place.folder.at(place.name));
        return described(place, path);
      }),

    rename: (from, to) =>
      atBoth(from, to, async (source, target) => {
        await withPath(from, () => moveWithoutReplacing(source, target));
        return described(target, to);
      }),

    copy: (from, to) =>
      atBoth(from, to, async (source, target) => {
        const copied = { entries: 0, bytes: 0 };
        try {
          await withPath(from, () => copyEntry(source, target, { path: from, copied, depth: 0 }));
        } catch (error) {
          await removeTree(target.folder, target.name).catch(() => undefined); // the first error says more
          throw error;
        }
        return described(target, to);
      }),

    delete: (path) =>
      places.atPlace(path, { follow: false }, async ({ folder, name }) => {
        const stats = await lstat(folder.at(name));
        if (!stats.isDirectory()) {
          await unlink(folder.at(name));
          return;
        }
        const gone = ownDeletedName(randomUUID());
        await rename(folder.at(name), folder.at(gone));
        removeTree(folder, gone).catch(onBackgroundError);
      }),
  };
}

/** A file gets its second name before it loses the first one, because `rename` would replace another file. */
async function moveWithoutReplacing(source: Place, target: Place): Promise<void> {
  const from = source.folder.at(source.name);
  const to = target.folder.at(target.name);
  if ((await lstat(from)).isDirectory()) {
    await rename(from, to); // fails when a folder with entries is there by now
    return;
  }
  try {
    await link(from, to);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(error) ?? '')) throw error;
    await rename(from, to); // this file system has no second names
    return;
  }
  await unlink(from);
}

interface CopyProgress {
  path: string;
  copied: { entries: number; bytes: number };
  depth: number;
}

async function copyEntry(source: Place, target: Place, progress: CopyProgress): Promise<void> {
  const { path, copied, depth } = progress;
  const from = source.folder.at(source.name);
  const to = target.folder.at(target.name);
  const stats = await lstat(from);
  copied.entries += 1;
  copied.bytes += stats.isFile() ? stats.size : 0;
  if (copied.entries > maxCopiedEntries || copied.bytes > maxUploadBytes || depth > maxDepth) {
    throw new WorkspaceError(413, `“${path}” is too large to be copied here. Copy it in a terminal.`);
  }
  if (stats.isSymbolicLink()) return symlink(await readlink(from), to);
  if (stats.isFile()) return copyOpenFile(source, to, path);
  if (!stats.isDirectory()) return; // pipes and sockets belong to the program that made them
  await mkdir(to, stats.mode & 0o777);
  const [inside, copy] = [await source.folder.enter(source.name), await target.folder.enter(target.name)];
  try {
    for (const name of await readdir(inside.self)) {
      const real = `${source.real}${sep}${name}`;
      const next = { path, copied, depth: depth + 1 };
      await copyEntry({ folder: inside, name, real }, { folder: copy, name, real }, next);
    }
  } finally {
    await inside.close();
    await copy.close();
  }
}

/** Copies the file that was opened and checked, whatever its name leads to by now. */
async function copyOpenFile(source: Place, to: string, path: string): Promise<void> {
  const file = await openFile(source, path);
  try {
    await copyFile(`/proc/self/fd/${file.fd}`, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } finally {
    await file.close();
  }
}
