/** A lock on a data folder, so that two processes never run the same service on the same data. */

import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { parseJson } from '../../shared/parse-json.ts';
import { commandLineOf, isAlive, startOf } from './process-info.ts';

const claimSchema = z.object({ pid: z.int().positive(), start: z.string().nullable() });

/**
 * Creates the lock file `<folder>/<name>.lock` for this process. It contains the process id and the start time. The lock of a
 * process that has ended is replaced.
 *
 * @returns a function that removes the lock
 * @throws Error that names the other process, when there is one
 */
export function claimFolder(folder: string, name: string): () => void {
  const path = join(folder, `${name}.lock`);
  const draft = `${path}.${process.pid}`;
  const text = JSON.stringify({ pid: process.pid, start: startOf(process.pid) });
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(draft, text);
  } catch (cause) {
    throw new Error(`The folder ${folder} cannot be written to. Make it writable, or choose another with DATA_DIR.`, {
      cause,
    });
  }
  try {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      try {
        linkSync(draft, path); // unlike a write, a link is atomic
        return () => {
          if (read(path) === text) rmSync(path, { force: true });
        };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // all errors of node:fs have a code
      }
      const holder = readLiveHolder(path);
      if (holder !== null) throw new Error(describe(folder, name, holder));
      removeStale(path, draft);
    }
    throw new Error(`The lock ${path} is created again and again by another start in the same folder. Try again.`);
  } finally {
    rmSync(draft, { force: true });
  }
}

function readLiveHolder(path: string): number | null {
  const claim = claimSchema.safeParse(parseJson(read(path) ?? ''));
  if (!claim.success || !isAlive(claim.data.pid)) return null;
  return startOf(claim.data.pid) === claim.data.start ? claim.data.pid : null;
}

/** Renames the stale lock before it deletes it. So a lock that another process has just created can be restored. */
function removeStale(path: string, draft: string): void {
  const aside = `${draft}.stale`;
  try {
    renameSync(path, aside);
    if (readLiveHolder(aside) !== null) linkSync(aside, path);
  } catch {
    // Another process removed it first. The next attempt shows whether that process holds the lock.
  }
  rmSync(aside, { force: true });
}

function describe(folder: string, name: string, pid: number): string {
  const program = (commandLineOf(pid) ?? 'unknown').split('\n')[0]?.slice(0, 100);
  const holder = pid === process.pid ? 'this process' : `process ${pid} (${program})`;
  return `The ${name} data in ${folder} is in use by ${holder}. Stop it first, or choose another folder with DATA_DIR.`;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // the holder has just removed it
  }
}
