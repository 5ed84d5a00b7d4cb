import { readdirSync } from 'node:fs';

import { commandLineOf } from '../../src/embedded/process/process-info.ts';

/** Kills the shells that would stop the services on this folder when their starter dies: as if all had gone at once. */
export function killGuardians(dataDir: string): void {
  const guardians = readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      const words = Number.isInteger(pid) ? (commandLineOf(pid) ?? '') : '';
      return words.startsWith('/bin/sh') && words.includes(dataDir);
    });
  // The watcher, which is the younger, goes first: else it would see the pipe close when Node notes the end of the other.
  for (const pid of guardians.toSorted((a, b) => b - a)) process.kill(pid, 'SIGKILL');
}
