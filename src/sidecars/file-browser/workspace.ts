/**
 * Reading below one folder and nowhere else. A path is resolved with all its symbolic links before anything is opened, and
 * what was opened is asked again where it lies: a link that is changed in between leads nowhere either.
 */

import { constants } from 'node:fs';
import { lstat, open, readdir, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** Entries of one folder that are told at most. */
export const maxEntries = 1_000;
/** Bytes of one file that are told at once. */
export const maxBytes = 1024 * 1024;
/** A zero byte among the first so many makes a file binary, as git has it. */
const probeBytes = 8_000;

type EntryKind = 'file' | 'directory' | 'link' | 'other';

interface Entry {
  name: string;
  kind: EntryKind;
  /** Bytes; of files alone. */
  size: number | null;
  /** ISO time. */
  modifiedAt: string;
}

interface FileContent {
  /** Bytes of the whole file. */
  size: number;
  /** Where `content` begins, in bytes. */
  offset: number;
  /** Where the next part begins; `null` at the end. */
  nextOffset: number | null;
  isBinary: boolean;
  encoding: 'utf8' | 'base64';
  content: string;
}

/** `status` is the HTTP status that fits. */
export class WorkspaceError extends Error {
  readonly status: 400 | 403 | 404;

  constructor(status: 400 | 403 | 404, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Workspace {
  /** @throws WorkspaceError */
  list(path: string): Promise<{ entries: Entry[]; isTruncated: boolean }>;
  /** The entry itself: a link is not followed. */
  stat(path: string): Promise<Entry & { target: string | null }>;
  read(path: string, part: { offset: number; limit: number }): Promise<FileContent>;
}

export async function createWorkspace(folder: string): Promise<Workspace> {
  const root = await realpath(folder);

  /** Where `path` leads to, all links followed. */
  async function resolve(path: string): Promise<string> {
    if (path.includes('\0')) throw new WorkspaceError(400, 'A path holds no zero byte.');
    let real: string;
    try {
      real = await realpath(join(root, join(sep, path)));
    } catch (error) {
      throw diagnosed(error, path);
    }
    if (!isInside(real)) throw leadsOut(path);
    return real;
  }

  const isInside = (real: string): boolean => real === root || real.startsWith(root + sep);

  /** Opened, and asked by its number where it lies: nothing can be put in its place any more. */
  async function openInside(path: string): Promise<FileHandle> {
    const real = await resolve(path);
    let file: FileHandle;
    try {
      file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      throw diagnosed(error, path);
    }
    try {
      const now = await realpath(`/proc/self/fd/${file.fd}`).catch(() => real);
      if (!isInside(now)) throw leadsOut(path);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  return {
    async list(path) {
      const real = await resolve(path);
      const names = await readdir(real).catch((error: unknown) => {
        throw diagnosed(error, path);
      });
      const told = names.toSorted().slice(0, maxEntries);
      const entries = await Promise.all(told.map((name) => entryOf(join(real, name), name)));
      return { entries: entries.filter((entry) => entry !== null), isTruncated: names.length > told.length };
    },

    async stat(path) {
      const parts = join(sep, path).split(sep).filter(Boolean);
      const name = parts.pop() ?? '';
      const parent = await resolve(parts.join(sep));
      const place = join(parent, name);
      const entry = await entryOf(place, name);
      if (entry === null) throw notFound(path);
      return { ...entry, target: entry.kind === 'link' ? await shownTarget(place, root) : null };
    },

    async read(path, { offset, limit }) {
      const file = await openInside(path);
      try {
        const stats = await file.stat();
        if (stats.isDirectory()) throw new WorkspaceError(400, `“${path}” is a folder. List it instead.`);
        if (!stats.isFile()) throw new WorkspaceError(400, `“${path}” is no file that can be read.`);
        const head = await bytesOf(file, 0, probeBytes);
        const bytes = await bytesOf(file, offset, Math.min(limit, maxBytes));
        const isBinary = head.includes(0);
        const end = offset + bytes.length;
        return {
          size: stats.size,
          offset,
          nextOffset: bytes.length > 0 && end < stats.size ? end : null,
          isBinary,
          encoding: isBinary ? 'base64' : 'utf8',
          content: bytes.toString(isBinary ? 'base64' : 'utf8'),
        };
      } finally {
        await file.close();
      }
    },
  };
}

async function bytesOf(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

/** `null` when it has gone meanwhile. */
async function entryOf(place: string, name: string): Promise<Entry | null> {
  const stats = await lstat(place).catch(() => null);
  if (stats === null) return null;
  const kind: EntryKind = stats.isFile()
    ? 'file'
    : stats.isDirectory()
      ? 'directory'
      : stats.isSymbolicLink()
        ? 'link'
        : 'other';
  return { name, kind, size: kind === 'file' ? stats.size : null, modifiedAt: stats.mtime.toISOString() };
}

/** Where a link points to, as it is written; within the workspace from its root. */
async function shownTarget(place: string, root: string): Promise<string> {
  const written = await readlink(place);
  return written.startsWith(root + sep) ? join(sep, relative(root, written)) : written;
}

function diagnosed(error: unknown, path: string): WorkspaceError {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  switch (code) {
    case 'ENOENT':
    case 'ENAMETOOLONG':
      return notFound(path);
    case 'ENOTDIR':
      return new WorkspaceError(400, `“${path}” is no folder.`);
    case 'ELOOP':
      return new WorkspaceError(400, `“${path}” is a link that leads to itself.`);
    case 'EACCES':
    case 'EPERM':
      return new WorkspaceError(403, `“${path}” may not be read.`);
    default:
      throw error;
  }
}

const notFound = (path: string) => new WorkspaceError(404, `There is no “${path}” in the workspace.`);
const leadsOut = (path: string) => new WorkspaceError(403, `“${path}” leads out of the workspace.`);
