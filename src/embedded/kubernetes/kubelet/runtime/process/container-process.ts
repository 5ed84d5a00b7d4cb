/** The process of one run of a container. */

import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';

import type { Launch, Launcher, ResolvedContainer } from './launcher.ts';
import type { LogWriter } from './log-files.ts';

export interface ProcessEnd {
  atMs: number;
  exitCode: number;
  /** The kernel has ended a process for lack of memory during the run, and this one was killed by nobody else. */
  isOutOfMemory: boolean;
}

export interface ContainerProcess {
  startedAtMs: number;
  /** Undefined while it runs. */
  end(): ProcessEnd | undefined;
  /** Sends SIGTERM, and SIGKILL when it still runs after the grace period. A later call can only make the time shorter. */
  stop(graceMs: number): void;
  exited: Promise<ProcessEnd>;
}

/** How long output may still come after the end of the process. */
const drainMs = 1_000;

/** Starts a container. A program that cannot be started ends at once with code 128, and its log says why. */
export function startContainerProcess(options: {
  launcher: Launcher;
  container: ResolvedContainer;
  log: LogWriter;
  onEnd: () => void;
}): ContainerProcess {
  const { launcher, container, log, onEnd } = options;
  const { file, args, env, cwd } = launcher.run(container);
  const startedAtMs = Date.now();
  const killsBefore = outOfMemoryKills();
  // In a session of its own, because Ctrl-C in a terminal signals the whole session.
  const child = spawn(file, args, {
    cwd,
    env,
    detached: true,
    stdio: [launcher.hasGuardian ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) preferAsVictim(child.pid);
  const [stdin, stdout, stderr, status] = child.stdio;
  if (stdout !== null) log.follow(stdout, 'stdout');
  if (stderr !== null) log.follow(stderr, 'stderr');
  stdin?.on('error', () => undefined); // the process has ended
  let written = '';
  status?.on('data', (chunk: Buffer) => (written += chunk.toString())).on('error', () => undefined);

  let end: ProcessEnd | undefined;
  let isKilled = false;
  let killAtMs = Infinity;
  let killTimer: NodeJS.Timeout | undefined;

  const exited = new Promise<ProcessEnd>((resolve) => {
    const finish = (exitCode: number): void => {
      if (end !== undefined) return;
      clearTimeout(killTimer);
      log.close();
      const isOutOfMemory = exitCode === 137 && !isKilled && outOfMemoryKills() > killsBefore;
      end = { atMs: Date.now(), exitCode, isOutOfMemory };
      resolve(end);
      onEnd();
    };
    child.once('error', () => finish(128));
    child.once('exit', (code, signal) => {
      const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      const timer = setTimeout(() => finish(exitCode), drainMs);
      child.once('close', () => {
        clearTimeout(timer);
        finish(exitCode);
      });
    });
  });

  function kill(): void {
    isKilled = true;
    const target = launcher.processOf(written);
    if (target !== undefined) sendSignal(target, 'SIGKILL');
    // The guardian ends every process of the run, and then itself.
    if (launcher.hasGuardian) stdin?.destroy();
    else child.kill('SIGKILL');
  }

  return {
    startedAtMs,
    end: () => end,
    exited,
    stop(graceMs) {
      if (end !== undefined) return;
      const target = launcher.processOf(written);
      if (target === undefined || graceMs <= 0) {
        kill();
        return;
      }
      if (killAtMs === Infinity) sendSignal(target, 'SIGTERM');
      if (Date.now() + graceMs >= killAtMs) return;
      killAtMs = Date.now() + graceMs;
      clearTimeout(killTimer);
      killTimer = setTimeout(kill, graceMs);
    },
  };
}

function sendSignal(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch {
    // It has ended already.
  }
}

/** When memory runs out, the kernel should end a container, not the database or a program of the developer. Children inherit it. */
function preferAsVictim(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '500');
  } catch {
    // It has ended already.
  }
}

/** How many processes the kernel has ended for lack of memory; 0 where it does not say. */
function outOfMemoryKills(): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Runs one more command in the container, as an `exec` probe does. Null when it exits with 0, else its output. */
export function execInContainer(launch: Launch, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const { file, args, env, cwd } = launch;
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const read = (chunk: Buffer): void => {
      if (output.length < 10_000) output += chunk.toString();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    const finish = (failure: string | null): void => {
      clearTimeout(timer);
      resolve(failure);
    };
    child.once('error', (error) => finish(error.message));
    child.once('close', (code) => {
      if (isLate) finish(`command timed out: ${timeoutMs / 1000}s`);
      else finish(code === 0 ? null : output.trim() || `command exited with ${code}`);
    });
  });
}
