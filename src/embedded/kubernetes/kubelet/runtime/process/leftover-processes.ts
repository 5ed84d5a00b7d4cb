/** Processes of containers whose owner was killed in the moment in which it started them. All others end with their owner. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

/** The variable by which the processes of a container are found. A program in a sandbox does not see it. */
export const containerMarker = 'EMBEDDED_CONTAINER';

/** The first part of the ids of all containers on a data folder. It does not tell where the folder is. */
export const ownerOf = (dataDir: string): string => createHash('sha256').update(dataDir).digest('hex').slice(0, 16);

/** Ends the processes that an earlier run on this data folder has left. Returns how many there were. */
export function endLeftovers(dataDir: string): number {
  const mark = `${containerMarker}=${ownerOf(dataDir)}/`;
  const leftovers = processIds().filter((pid) => environmentOf(pid).some((variable) => variable.startsWith(mark)));
  for (const pid of leftovers) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }
  return leftovers.length;
}

function processIds(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return []; // not Linux
  }
}

/** The variables that a process was started with; empty for processes of other users. */
function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}
