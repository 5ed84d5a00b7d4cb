/** Finds and stops a PostgreSQL server that a killed run has left on a data folder. */

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { EmbeddedLog } from '../embedded-log.ts';
import { commandLineOf, isAlive } from '../process/process-info.ts';
import { waitUntil } from '../process/wait-until.ts';

/**
 * Stops the server that runs on this folder, if any. It is certainly ours: this process holds the lock of the folder, and
 * the command line of the server names the folder of this pid file.
 */
export async function stopLeftover(folder: string, log: EmbeddedLog): Promise<void> {
  const leftover = readPidFile(folder);
  if (leftover === null || !isAlive(leftover.pid)) return; // PostgreSQL itself removes the pid file of a server that has ended
  if (!(commandLineOf(leftover.pid) ?? '').includes(`-D ${leftover.folder}`)) {
    // The process id now belongs to another process, for example after a restart of the container. PostgreSQL would take
    // that process for a running server.
    rmSync(join(folder, 'postmaster.pid'), { force: true });
    return;
  }
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    try {
      process.kill(leftover.pid, signal);
    } catch {
      return; // it has ended already
    }
    const gone = await waitUntil(() => (isAlive(leftover.pid) ? undefined : true), { timeoutMs: 3_000 });
    if (gone) {
      log.info(`Stopped PostgreSQL process ${leftover.pid}, which an earlier run has left.`);
      return;
    }
  }
  throw new Error(`PostgreSQL process ${leftover.pid} still runs on ${folder} and cannot be stopped. Stop it by hand.`);
}

export function readPidFile(folder: string): { pid: number; folder: string; status: string } | null {
  try {
    // https://www.postgresql.org/docs/18/storage-file-layout.html: pid, folder, start, port, socket, address, memory, status
    const lines = readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    return pid > 0 ? { pid, folder: lines[1] ?? '', status: (lines[7] ?? '').trim() } : null;
  } catch {
    return null;
  }
}
