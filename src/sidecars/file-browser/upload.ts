/** Receives a file in parts. It appears under its name when the last part has arrived, and never half. */

import { constants } from 'node:fs';
import { link, lstat, open, rename, unlink } from 'node:fs/promises';

import { maxUploadBytes } from '../../shared/contract/file-limits.ts';
import { assertMissing, ownUploadName } from './entries.ts';
import type { Place, Places } from './places.ts';
import { codeOf, existsAlready, WorkspaceError } from './workspace-error.ts';

export interface UploadPart {
  /** Chosen by the sender, the same for all parts of a file: letters, digits and dashes. */
  upload: string;
  /** Where this part begins, in bytes. */
  offset: number;
  /** The size of the whole file in bytes. */
  total: number;
  /** Whether a file of this name may be replaced. */
  replace: boolean;
}

/** @returns whether the file is complete */
export function receivePart(places: Places, path: string, part: UploadPart, bytes: Buffer): Promise<boolean> {
  const { upload, offset, total, replace } = part;
  if (!/^[A-Za-z0-9-]{8,64}$/.test(upload)) {
    throw new WorkspaceError(400, 'Name the upload with 8 to 64 letters, digits or dashes.');
  }
  if (total > maxUploadBytes) throw new WorkspaceError(413, 'The file is too large: at most 512 MiB can be uploaded.');
  if (offset + bytes.length > total) throw new WorkspaceError(400, 'The part ends after the end of the file.');
  return places.atPlace(path, { follow: false }, async (place) => {
    const { folder, name } = place;
    if (replace) await assertReplaceable(place, path);
    else await assertMissing(folder, name, path);
    const unfinished = folder.at(ownUploadName(upload));
    await writePart(unfinished, { offset, bytes });
    if (offset + bytes.length < total) return false;
    await commit(place, path, { unfinished, replace });
    return true;
  });
}

/** A part that is sent again replaces the first one. */
async function writePart(location: string, { offset, bytes }: { offset: number; bytes: Buffer }): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_NOFOLLOW | (offset === 0 ? constants.O_CREAT : 0);
  const file = await open(location, flags, 0o644).catch((error: unknown) => {
    throw codeOf(error) === 'ENOENT' ? lostPart() : error;
  });
  try {
    if ((await file.stat()).size < offset) throw lostPart();
    await file.truncate(offset);
    await file.write(bytes, 0, bytes.length, offset);
  } finally {
    await file.close();
  }
}

const lostPart = () => new WorkspaceError(409, 'An earlier part of this upload is missing. Upload the file again.');

async function commit(
  { folder, name }: Place,
  path: string,
  { unfinished, replace }: { unfinished: string; replace: boolean },
): Promise<void> {
  if (replace) {
    await rename(unfinished, folder.at(name));
    return;
  }
  try {
    await link(unfinished, folder.at(name)); // fails when the name is taken by now
  } catch (error) {
    throw codeOf(error) === 'EEXIST' ? existsAlready(path) : error;
  } finally {
    await unlink(unfinished);
  }
}

async function assertReplaceable({ folder, name }: Place, path: string): Promise<void> {
  const stats = await lstat(folder.at(name)).catch(() => null);
  if (stats !== null && !stats.isFile()) {
    throw new WorkspaceError(409, `“${path}” is not a file, so it cannot be replaced.`);
  }
}

/** Removes what has arrived. */
export function cancelUpload(places: Places, path: string, upload: string): Promise<void> {
  return places.atPlace(path, { follow: false }, async ({ folder }) => {
    await unlink(folder.at(ownUploadName(upload))).catch(() => undefined); // nothing has arrived
  });
}
