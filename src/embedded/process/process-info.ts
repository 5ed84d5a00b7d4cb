import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Whether a process of that id exists, whoever owns it; a zombie that nobody has reaped counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // kill(2) fails with nothing but these codes
  }
  return process.platform !== 'linux' || readStat(pid)?.state !== 'Z';
}

/**
 * When the process started, as an opaque word. A process id is used again after a while; id and start together are not.
 * Null when there is no such process.
 */
export function startOf(pid: number): string | null {
  if (process.platform === 'linux') return readStat(pid)?.startTicks ?? null;
  return askPs(pid, 'lstart=');
}

/** The command line of a process with its arguments parted by spaces, or null when there is no such process. */
export function commandLineOf(pid: number): string | null {
  if (process.platform !== 'linux') return askPs(pid, 'command=');
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return null; // the process ended
  }
}

function readStat(pid: number): { state: string; startTicks: string } | null {
  try {
    // The second field is the program's name in parentheses and may itself hold spaces: the rest is counted from its end.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
  } catch {
    return null; // the process ended
  }
}

function askPs(pid: number, column: string): string | null {
  try {
    return execFileSync('ps', ['-o', column, '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null; // ps exits with 1 when there is no such process
  }
}
