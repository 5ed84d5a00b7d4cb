/** Reads files in parts, and writes text files only when they still have the version that the writer has read. */

import { isUtf8 } from 'node:buffer';
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, open, rename, unlink, type FileHandle } from 'node:fs/promises';

import { maxEditableBytes, maxReadBytes } from '../../shared/contract/file-limits.ts';
import type { FileContent, WrittenFile } from '../../shared/contract/files.ts';
import { ownUploadName } from './entries.ts';
import { openFile, type Place, type Places } from './places.ts';
import { codeOf, existsAlready, WorkspaceError } from './workspace-error.ts';

/** As in git, a file is binary when there is a zero byte among its first bytes. */
const probeBytes = 8_000;

export function readPart(
  places: Places,
  path: string,
  { offset, limit }: { offset: number; limit: number },
): Promise<FileContent> {
  return places.atPlace(path, { follow: true }, async (place) => {
    const file = await openFile(place, path);
    try {
      const { size } = await file.stat();
      if (size > maxEditableBytes) return await readOfLargeFile(file, { size, offset, limit });
      const whole = await bytesAt(file, 0, maxEditableBytes);
      const isBinary = isBinaryHead(whole) || !isUtf8(whole);
      const part = whole.subarray(offset, offset + Math.min(limit, maxReadBytes));
      return {
        ...partOf({ part, offset, size: whole.length, isBinary }),
        size: whole.length,
        version: versionOf(whole),
      };
    } finally {
      await file.close();
    }
  });
}

async function readOfLargeFile(
  file: FileHandle,
  { size, offset, limit }: { size: number; offset: number; limit: number },
): Promise<FileContent> {
  const head = await bytesAt(file, 0, probeBytes);
  const part = await bytesAt(file, offset, Math.min(limit, maxReadBytes));
  const isBinary = isBinaryHead(head) || !isUtf8(wholeCharacters(part));
  return { ...partOf({ part, offset, size, isBinary }), size, version: null };
}

function partOf(read: { part: Buffer; offset: number; size: number; isBinary: boolean }) {
  const { part, offset, size, isBinary } = read;
  const isLast = offset + part.length >= size;
  const bytes = isBinary || isLast ? part : wholeCharacters(part);
  const encoding: FileContent['encoding'] = isBinary ? 'base64' : 'utf8';
  const nextOffset = bytes.length > 0 && offset + bytes.length < size ? offset + bytes.length : null;
  return { offset, nextOffset, isBinary, encoding, content: bytes.toString(encoding) };
}

/** Without the beginning of a character at the end. */
function wholeCharacters(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes;
    if (byte < 0xc0) continue; // the byte continues a character
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

const isBinaryHead = (bytes: Buffer): boolean => bytes.subarray(0, probeBytes).includes(0);

const versionOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64url').slice(0, 22);

async function bytesAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

export interface ContentWriter {
  /** @param version the version that was read; `null` creates the file */
  write(path: string, bytes: Buffer, version: string | null): Promise<WrittenFile>;
}

/** Writes of one file follow each other, so of two writers with the same version one gets a conflict. */
export function createContentWriter(places: Places): ContentWriter {
  const last = new Map<string, Promise<unknown>>();
  function inTurn<T>(key: string, task: () => Promise<T>): Promise<T> {
    const turn = (last.get(key) ?? Promise.resolve()).then(task, task);
    last.set(key, turn);
    const forget = (): void => void (last.get(key) === turn && last.delete(key));
    turn.then(forget, forget);
    return turn;
  }
  return {
    write: (path, bytes, version) =>
      places.atPlace(path, { follow: true }, (place) =>
        inTurn(place.real, () => writeVersion(place, path, { bytes, version })),
      ),
  };
}

async function writeVersion(
  place: Place,
  path: string,
  { bytes, version }: { bytes: Buffer; version: string | null },
): Promise<WrittenFile> {
  if (bytes.length > maxEditableBytes) {
    throw new WorkspaceError(413, 'The text is too large: at most 5 MiB can be saved. Upload the file instead.');
  }
  await assertVersion(place, path, version);
  const { folder, name } = place;
  const unfinished = folder.at(ownUploadName(randomUUID()));
  try {
    await writeNewFile(unfinished, bytes, await modeOf(place));
    if (version === null) {
      await link(unfinished, folder.at(name)); // fails when the file exists by now
      await unlink(unfinished);
    } else {
      await assertVersion(place, path, version);
      await rename(unfinished, folder.at(name));
    }
  } catch (error) {
    await unlink(unfinished).catch(() => undefined); // it may not exist
    throw codeOf(error) === 'EEXIST' ? existsAlready(path) : error;
  }
  return { version: versionOf(bytes), size: bytes.length };
}

async function assertVersion(place: Place, path: string, version: string | null): Promise<void> {
  const current = await currentVersion(place, path);
  if (current === version) return;
  if (version === null) throw existsAlready(path);
  throw new WorkspaceError(
    409,
    current === null
      ? `“${path}” was deleted in the meantime. Save it as a new file, or close it.`
      : `“${path}” was changed in the meantime. Compare the two versions.`,
  );
}

async function currentVersion(place: Place, path: string): Promise<string | null> {
  let file: FileHandle;
  try {
    file = await openFile(place, path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    const { size } = await file.stat();
    if (size > maxEditableBytes) throw new WorkspaceError(413, `“${path}” has grown too large to be edited.`);
    return versionOf(await bytesAt(file, 0, maxEditableBytes));
  } finally {
    await file.close();
  }
}

/** The permissions of the file that is replaced. A new file gets the usual ones. */
async function modeOf({ folder, name }: Place): Promise<number> {
  const stats = await lstat(folder.at(name)).catch(() => null);
  return stats?.isFile() ? stats.mode & 0o777 : 0o644;
}

async function writeNewFile(location: string, bytes: Buffer, mode: number): Promise<void> {
  const file = await open(location, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    await file.writeFile(bytes);
    await file.chmod(mode);
    await file.datasync();
  } finally {
    await file.close();
  }
}
