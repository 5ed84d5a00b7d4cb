/** Finds programs, and the folder for downloaded ones. */

import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The first executable file of that name in the folders of a PATH; null when there is none. */
export function findOnPath(name: string, searchPath: string): string | null {
  for (const folder of searchPath.split(delimiter).filter((part) => part !== '')) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // not here
    }
  }
  return null;
}

/** The folder in which downloaded programs are kept between runs, in the cache folder of the user. */
export function defaultCacheDir(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'opencode-project-manager');
}
