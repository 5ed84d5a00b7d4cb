/** Finds the program of OpenCode on this machine. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { findOnPath } from '../../../../process/find-on-path.ts';

/** The program of the optional package for this platform, else that on the path; `null` when there is neither. */
export function findOpenCode(searchPath: string): string | null {
  try {
    const manifest = createRequire(import.meta.url).resolve(
      `opencode-${process.platform}-${process.arch}/package.json`,
    );
    const program = join(dirname(manifest), 'bin', 'opencode');
    if (existsSync(program)) return program;
  } catch {
    // The package is not installed: npm leaves it out on other platforms.
  }
  return findOnPath('opencode', searchPath);
}
