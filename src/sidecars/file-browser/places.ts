/**
 * Finds places in one folder and nowhere else. A folder is opened first, and then the path of the open folder is checked. Each
 * entry is reached through the open folder (`/proc/self/fd`), so a link that is put into a path in between leads nowhere.
 * It needs Linux.
 */

import { constants } from 'node:fs';
import { lstat, open, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';

import { leadsOut, withPath, WorkspaceError } from './workspace-error.ts';

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** An open folder. */
export class Folder {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** The folder itself, wherever it is moved. */
  get self(): string {
    return `/proc/self/fd/${this.#handle.fd}`;
  }

  /** An entry of this folder. It is not checked whether it is a link. */
  at(name: string): string {
    return `${this.self}/${name}`;
  }

  /** Opens a folder in this one. A link is refused. */
  async enter(name: string): Promise<Folder> {
    return new Folder(await open(this.at(name), folderFlags));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** An entry of an open folder, which may not exist. */
export interface Place {
  folder: Folder;
  name: string;
  /** Where the entry really is; the same for all paths to it. */
  real: string;
}

export interface Places {
  root: string;
  /** Whether a real path is the folder or below it. */
  isInside(real: string): boolean;
  /** Opens a folder, following links within the root. The caller closes it. @throws WorkspaceError */
  openFolder(path: string): Promise<Folder>;
  /** Runs `task` with the place of an entry. With `follow`, a link is replaced by what it leads to. @throws WorkspaceError */
  atPlace<T>(path: string, options: { follow: boolean }, task: (place: Place) => Promise<T>): Promise<T>;
}

export async function createPlaces(folder: string): Promise<Places> {
  const root = await realpath(folder);
  const isInside = (real: string): boolean => real === root || real.startsWith(root + sep);

  /** The real path, with all links followed. */
  async function resolve(path: string): Promise<string> {
    if (path.includes('\0')) throw new WorkspaceError(400, 'A path must not contain a zero byte.');
    const real = await withPath(path, () => realpath(join(root, join(sep, path))));
    if (!isInside(real)) throw leadsOut(path);
    return real;
  }

  async function openReal(real: string, path: string): Promise<Folder> {
    const handle = await withPath(path, () => open(real, folderFlags));
    const folderAtHandle = new Folder(handle);
    const opened = await readlink(folderAtHandle.self).catch(() => '');
    if (isInside(opened)) return folderAtHandle;
    await handle.close();
    throw leadsOut(path);
  }

  const openFolder = async (path: string): Promise<Folder> => openReal(await resolve(path), path);

  async function placeOf(path: string, follow: boolean): Promise<Place> {
    if (path.includes('\0')) throw new WorkspaceError(400, 'A path must not contain a zero byte.');
    const normal = join(sep, path);
    const name = basename(normal);
    if (name === '') throw new WorkspaceError(400, 'Name a file or a folder of the project.');
    const parent = await resolve(dirname(normal));
    const real = join(parent, name);
    const isLink = follow && (await lstat(real).catch(() => null))?.isSymbolicLink();
    const target = isLink ? await resolve(path) : real;
    if (target === root) throw new WorkspaceError(400, `“${path}” is the folder of the project.`);
    return { folder: await openReal(dirname(target), path), name: basename(target), real: target };
  }

  return {
    root,
    isInside,
    openFolder,
    async atPlace(path, { follow }, task) {
      const place = await placeOf(path, follow);
      try {
        return await withPath(path, () => task(place));
      } finally {
        await place.folder.close();
      }
    },
  };
}

/** Opens a regular file for reading. Links, pipes and devices are refused. @throws WorkspaceError */
export async function openFile({ folder, name }: Place, path: string): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(folder.at(name), flags);
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) throw new WorkspaceError(400, `“${path}” is a folder. List it instead.`);
    if (!stats.isFile()) throw new WorkspaceError(400, `“${path}” is not a file that can be read.`);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}
