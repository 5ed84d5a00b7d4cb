/** Finds bubblewrap, which makes the sandboxes of containers. */

import type { EmbeddedLog } from '../../../../embedded-log.ts';
import { fetchProgram } from '../../../../process/fetch-program.ts';
import { defaultCacheDir, findOnPath } from '../../../../process/find-on-path.ts';

export interface Bubblewrap {
  path: string;
  /** Environment variables that the program needs to find its libraries. */
  env: Record<string, string>;
}

/**
 * Finds `bwrap` on the path. When there is none, downloads the package of Debian or Ubuntu to `cacheDir`.
 *
 * @throws Error that says what to do, when there is neither
 */
export async function findBubblewrap(options: {
  searchPath: string;
  cacheDir?: string;
  log: EmbeddedLog;
}): Promise<Bubblewrap> {
  const { searchPath, cacheDir = defaultCacheDir(), log } = options;
  const path = findOnPath('bwrap', searchPath);
  if (path !== null) return { path, env: {} };
  return await fetchProgram(
    {
      name: 'bubblewrap',
      file: 'usr/bin/bwrap',
      folder: 'bubblewrap',
      packages: ['bubblewrap'],
      needs: /^lib/,
      advice: 'Install bubblewrap (apt-get install bubblewrap).',
    },
    { cacheDir, log },
  );
}
