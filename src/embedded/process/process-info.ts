/** Facts about processes of this machine by their id. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Whether a process with this id exists. A zombie counts as ended. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // all errors of process.kill have a code
  }
  return process.platform !== 'linux' || readStat(pid)?.state !== 'Z';
}

/**
 * When the process started, as an opaque text; null when there is no such process. The system uses an id again after some
 * time, but never with the same start.
 */
export function startOf(pid: number): string | null {
  if (process.platform === 'linux') return readStat(pid)?.startTicks ?? null;
  return readPs(pid, 'lstart=');
}

/** The command line of a process, separated by spaces; null when there is no such process. */
export function commandLineOf(pid: number): string | null {
  if (process.platform !== 'linux') return readPs(pid, 'command=');
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return null; // the process ended
  }
}

function readStat(pid: number): { state: string; startTicks: string } | null {
  try {
    // The second field is the name of the program in parentheses. It may contain spaces, so fields are counted after it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
  } catch {
    return null; // the process ended
  }
}

function readPs(pid: number, column: string): string | null {
  try {
    return execFileSync('ps', ['-o', column, '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null; // ps exits with 1 when there is no such process
  }
}
