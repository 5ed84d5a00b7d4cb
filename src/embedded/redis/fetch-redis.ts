/** Downloads redis-server from the packages of Debian or Ubuntu. */

import type { EmbeddedLog } from '../embedded-log.ts';
import { fetchProgram } from '../process/fetch-program.ts';

/**
 * @returns the program and the environment variables that it needs
 * @throws Error as {@link fetchProgram}
 */
export async function fetchRedis(options: {
  cacheDir: string;
  log: EmbeddedLog;
}): Promise<{ path: string; env: Record<string, string> }> {
  return await fetchProgram(
    {
      name: 'redis-server',
      file: 'usr/bin/redis-server',
      folder: 'redis',
      packages: ['redis-server', 'redis-tools'],
      needs: /^(lib|redis)/,
      advice: 'Install Redis (apt-get install redis-server, brew install redis), or name a running one with REDIS_URL.',
    },
    options,
  );
}
