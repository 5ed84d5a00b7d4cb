import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { parseJson } from '../../shared/parse-json.ts';
import { commandLineOf, isAlive, startOf } from './process-info.ts';

const claimSchema = z.object({ pid: z.int().positive(), start: z.string().nullable() });

/**
 * Claims `<folder>/<name>.lock` for this process, so that two processes never run the same service on the same data.
 * The claim names process and start time: one that a killed process left behind counts for nothing and is replaced.
 *
 * Returns a function that gives the claim up. Throws a sentence that names the other process when there is one.
 */
export function claimFolder(folder: string, name: string): () => void {
  const path = join(folder, `${name}.lock`);
  const own = `${path}.${process.pid}`;
  const text = JSON.stringify({ pid: process.pid, start: startOf(process.pid) });
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(own, text);
  } catch (cause) {
    throw new Error(`The folder ${folder} cannot be written to. Make it writable, or choose another with DATA_DIR.`, {
      cause,
    });
  }
  try {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      try {
        linkSync(own, path); // unlike a write, a link either makes the whole file or fails
        return () => {
          if (read(path) === text) rmSync(path, { force: true });
        };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // fs fails with nothing but these
      }
      const holder = readLiveHolder(path);
      if (holder !== null) throw new Error(describe(folder, name, holder));
      removeStale(path, own);
    }
    throw new Error(`The lock ${path} keeps coming back; another start is going on in the same folder. Try again.`);
  } finally {
    rmSync(own, { force: true });
  }
}

function readLiveHolder(path: string): number | null {
  const claim = claimSchema.safeParse(parseJson(read(path) ?? ''));
  if (!claim.success || !isAlive(claim.data.pid)) return null;
  return startOf(claim.data.pid) === claim.data.start ? claim.data.pid : null;
}

/** Moves the stale lock aside before it goes, so that a claim made in the meantime can be seen and put back. */
function removeStale(path: string, own: string): void {
  const aside = `${own}.stale`;
  try {
    renameSync(path, aside);
    if (readLiveHolder(aside) !== null) linkSync(aside, path);
  } catch {
    // Somebody else removed it first; the next attempt to claim tells who was faster.
  }
  rmSync(aside, { force: true });
}

function describe(folder: string, name: string, pid: number): string {
  const program = (commandLineOf(pid) ?? 'unknown').split('\n')[0]?.slice(0, 100);
  const who = pid === process.pid ? 'this very process' : `process ${pid} (${program})`;
  return `The ${name} data in ${folder} is in use by ${who}. Stop it first, or choose another folder with DATA_DIR.`;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // the holder gave it up just now
  }
}
