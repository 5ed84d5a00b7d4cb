/** How long a process has used a processor, in milliseconds, with a resolution of ten. It does not rise while others keep it waiting. */

import { readFileSync } from 'node:fs';

const msPerTick = 10; // the kernel shows hundredths of a second (man 5 proc)

export function cpuTimeMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The program name is in parentheses and may contain any character. User and system time follow at a distance.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * msPerTick;
}
