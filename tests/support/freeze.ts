/** Freezes processes with SIGSTOP, as when a machine hangs, and lets them continue. */

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Freezes the process and its descendants. The returned function thaws them. The parent is frozen first, so that it starts no
 * further child. If this process dies, they are thawed too, so that they notice it and end.
 */
export function freezeProcess(pid: number): () => void {
  signal(pid, 'SIGSTOP');
  const pids = [pid, ...descendantsOf(pid)];
  for (const child of pids.slice(1)) signal(child, 'SIGSTOP');
  const watcher = spawn('/bin/sh', ['-c', 'read -r _; kill -s CONT "$@"', 'sh', ...pids.map(String)], {
    detached: true, // Ctrl-C in a terminal must not end it before its work is done
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watcher.on('error', () => undefined); // the freeze works without a shell too
  watcher.stdin.on('error', () => undefined);
  watcher.unref();
  return () => {
    watcher.kill('SIGKILL'); // its SIGCONT could thaw a process that was frozen again
    for (const one of pids.toReversed()) signal(one, 'SIGCONT');
  };
}

/** Sends SIGKILL to the process and its descendants, frozen or not. Returns their ids. */
export function killProcess(pid: number): number[] {
  signal(pid, 'SIGSTOP'); // so that it starts no child now
  const pids = [pid, ...descendantsOf(pid)];
  for (const one of pids) signal(one, 'SIGKILL');
  return pids;
}

/** The ids of all descendants. */
export function descendantsOf(pid: number): number[] {
  const childrenOf = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const child = Number(entry);
    const parent = Number.isInteger(child) ? parentOf(child) : null;
    if (parent !== null) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), child]);
  }
  const found: number[] = [];
  for (let next = childrenOf.get(pid) ?? []; next.length > 0; next = next.flatMap((one) => childrenOf.get(one) ?? [])) {
    found.push(...next);
  }
  return found;
}

function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // State and parent follow the program name, which is in parentheses and may contain any character.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null; // it ended
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // The process has ended.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // kill(2) fails with nothing but these
  }
}
