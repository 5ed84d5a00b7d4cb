/**
 * Reads below one folder and nowhere else. A path is resolved with all its symbolic links before a file is opened. Then the
 * path of the open file is checked again, so a link that is changed in between does not lead out of the folder either.
 */

import { constants } from 'node:fs';
import { lstat, open, readdir, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** How many entries of a folder are returned at most. */
export const maxEntries = 1_000;
/** How many bytes of a file are returned at once. */
export const maxBytes = 1024 * 1024;
/** As in git, a file is binary when there is a zero byte among its first bytes. */
const probeBytes = 8_000;

type EntryKind = 'file' | 'directory' | 'link' | 'other';

interface Entry {
  name: string;
  kind: EntryKind;
  /** In bytes; null unless the entry is a file. */
  size: number | null;
  /** ISO 8601. */
  modifiedAt: string;
}

interface FileContent {
  /** The size of the whole file in bytes. */
  size: number;
  /** Where `content` begins, in bytes. */
  offset: number;
  /** Where the next part begins; `null` at the end. */
  nextOffset: number | null;
  isBinary: boolean;
  encoding: 'utf8' | 'base64';
  content: string;
}

/** An error with its HTTP status. */
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
  /** The entry itself. A link is not followed. */
  stat(path: string): Promise<Entry & { target: string | null }>;
  read(path: string, part: { offset: number; limit: number }): Promise<FileContent>;
}

export async function createWorkspace(folder: string): Promise<Workspace> {
  const root = await realpath(folder);

  /** The real path, with all links followed. */
  async function resolve(path: string): Promise<string> {
    if (path.includes('\0')) throw new WorkspaceError(400, 'A path must not contain a zero byte.');
    let real: string;
    try {
      real = await realpath(join(root, join(sep, path)));
    } catch (error) {
      throw workspaceErrorOf(error, path);
    }
    if (!isInside(real)) throw leadsOut(path);
    return real;
  }

  const isInside = (real: string): boolean => real === root || real.startsWith(root + sep);

  /** Opens a file and then checks the path of its descriptor, so that no link can be put in its place in between. */
  async function openInside(path: string): Promise<FileHandle> {
    const real = await resolve(path);
    let file: FileHandle;
    try {
      file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      throw workspaceErrorOf(error, path);
    }
    try {
      const opened = await realpath(`/proc/self/fd/${file.fd}`).catch(() => real);
      if (!isInside(opened)) throw leadsOut(path);
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
        throw workspaceErrorOf(error, path);
      });
      const listed = names.toSorted().slice(0, maxEntries);
      const entries = await Promise.all(listed.map((name) => entryOf(join(real, name), name)));
      return { entries: entries.filter((entry) => entry !== null), isTruncated: names.length > listed.length };
    },

    async stat(path) {
      const parts = join(sep, path).split(sep).filter(Boolean);
      const name = parts.pop() ?? '';
      const parent = await resolve(parts.join(sep));
      const location = join(parent, name);
      const entry = await entryOf(location, name);
      if (entry === null) throw notFound(path);
      return { ...entry, target: entry.kind === 'link' ? await linkTarget(location, root) : null };
    },

    async read(path, { offset, limit }) {
      const file = await openInside(path);
      try {
        const stats = await file.stat();
        if (stats.isDirectory()) throw new WorkspaceError(400, `“${path}” is a folder. List it instead.`);
        if (!stats.isFile()) throw new WorkspaceError(400, `“${path}” is not a file that can be read.`);
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

/** `null` when the entry no longer exists. */
async function entryOf(location: string, name: string): Promise<Entry | null> {
  const stats = await lstat(location).catch(() => null);
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

/** The target of a link as written; a target in the workspace is given relative to its root. */
async function linkTarget(location: string, root: string): Promise<string> {
  const written = await readlink(location);
  return written.startsWith(root + sep) ? join(sep, relative(root, written)) : written;
}

function workspaceErrorOf(error: unknown, path: string): WorkspaceError {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  switch (code) {
    case 'ENOENT':
    case 'ENAMETOOLONG':
      return notFound(path);
    case 'ENOTDIR':
      return new WorkspaceError(400, `“${path}” is not a folder.`);
    case 'ELOOP':
      return new WorkspaceError(400, `“${path}” is a link to itself.`);
    case 'EACCES':
    case 'EPERM':
      return new WorkspaceError(403, `“${path}” must not be read.`);
    default:
      throw error;
  }
}

const notFound = (path: string) => new WorkspaceError(404, `There is no “${path}” in the workspace.`);
const leadsOut = (path: string) => new WorkspaceError(403, `“${path}” leads out of the workspace.`);
