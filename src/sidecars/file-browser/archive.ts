/**
 * Packs a folder into a compressed archive (`.tar.gz`). Links are packed as links. Holes of files, such as the images of disks, are not
 * packed as zeros. A file that may not be read is left out.
 */

import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

import type { Places } from './places.ts';

export const packOptions = [
  '--create',
  '--gzip',
  '--sparse',
  '--ignore-failed-read',
  '--exclude=.opm-*',
  '--file=-',
  '.',
];

export interface Archive {
  stream: Readable;
  /** Resolves to whether all of it was packed. */
  done: Promise<boolean>;
  cancel: () => void;
}

/** @throws WorkspaceError when the folder does not exist */
export async function packFolder(places: Places, path: string): Promise<Archive> {
  const folder = await places.openFolder(path);
  // The child starts in the open folder, whatever its path leads to by now.
  const tar = spawn('tar', packOptions, { cwd: folder.self, stdio: ['ignore', 'pipe', 'ignore'] });
  const done = new Promise<boolean>((resolve) => {
    // 1 means that a file changed while it was packed.
    tar.once('close', (code) => resolve(code === 0 || code === 1)).once('error', () => resolve(false));
  });
  void done.then(() => folder.close());
  return { stream: tar.stdout, done, cancel: () => tar.kill('SIGKILL') };
}
