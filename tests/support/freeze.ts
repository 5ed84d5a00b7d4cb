/** Stops running programs in the middle of whatever they do, as a machine that hangs does, and lets them go on. */

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Freezes the process and all that it has started; the returned function thaws them. The parent goes first, so that no
 * child is born meanwhile. Should this process die before, they are thawed too: only then can they notice and end.
 */
export function freezeProcess(pid: number): () => void {
  signal(pid, 'SIGSTOP');
  const pids = [pid, ...descendantsOf(pid)];
  for (const child of pids.slice(1)) signal(child, 'SIGSTOP');
  const watcher = spawn('/bin/sh', ['-c', 'read -r _; kill -s CONT "$@"', 'sh', ...pids.map(String)], {
    detached: true, // Ctrl-C in a terminal must not end it before its work is done
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watcher.on('error', () => undefined); // without a shell the freeze works all the same
  watcher.stdin.on('error', () => undefined);
  watcher.unref();
  return () => {
    watcher.kill('SIGKILL'); // else its late SIGCONT could thaw what was frozen again
    for (const one of pids.toReversed()) signal(one, 'SIGCONT');
  };
}

/** Sends SIGKILL to the process and all that it has started, frozen or not. Returns their ids. */
export function killProcess(pid: number): number[] {
  signal(pid, 'SIGSTOP'); // no child is born while they are counted
  const pids = [pid, ...descendantsOf(pid)];
  for (const one of pids) signal(one, 'SIGKILL');
  return pids;
}

/** Ids of the children, of their children, and so on. */
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
    // After the program's name, which stands in parentheses and may hold anything: state, then parent.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null; // it ended
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It ended by itself, which leaves nothing to do.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // kill(2) fails with nothing but these
  }
}
