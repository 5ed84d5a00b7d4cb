/** Removes an entry with everything in it: names that are not UTF-8, folders of any depth, and folders that are read-only. */

import { spawn } from 'node:child_process';

import type { Folder } from './places.ts';

/**
 * `rm` opens each folder from the one above and follows no link, so an exchange of a folder with a link leads nowhere. A
 * read-only folder, such as the cache of Go modules, has to become writable before its entries can be removed.
 */
export const removeScript = 'rm -rf -- "$1" 2> /dev/null || { chmod -R u+rwx -- "$1"; rm -rf -- "$1"; }';

const maxWordsLength = 500;

/** The folder may be closed before the end. @throws Error when something is left */
export function removeTree(folder: Folder, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // The child starts in the open folder, whatever its path leads to by now.
    const child = spawn('sh', ['-c', removeScript, 'sh', name], {
      cwd: folder.self,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let words = '';
    child.stderr.on('data', (data: Buffer) => (words = (words + data.toString()).slice(0, maxWordsLength)));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`rm ended with ${code}: ${words.trim()}`));
    });
  });
}
