import { readdirSync } from 'node:fs';

import { commandLineOf } from '../../src/embedded/process/process-info.ts';

/** Kills the shells that stop the services of this folder when their parent dies, as when the whole machine fails. */
export function killGuardians(dataDir: string): void {
  const guardians = readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      const commandLine = Number.isInteger(pid) ? (commandLineOf(pid) ?? '') : '';
      return commandLine.startsWith('/bin/sh') && commandLine.includes(dataDir);
    });
  // The younger shell is killed first: it would see the pipe close when Node notices the end of the other one.
  for (const pid of guardians.toSorted((a, b) => b - a)) process.kill(pid, 'SIGKILL');
}
