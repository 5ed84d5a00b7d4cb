/** Starts a program that cannot outlive this process. */

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { waitUntil } from './wait-until.ts';

/**
 * The shell between this process and the program. It reads from a pipe of this process. When this process closes the pipe, or
 * ends in any way, the shell sends the stop signal to the program. So no program outlives this process, even after kill -9.
 * The shell runs in its own session, because Ctrl-C in a terminal signals the whole session, and the program must run until
 * its users have finished.
 */
const guardian = `
signal=$1; shift
exec 3<&0
"$@" 3<&- </dev/null >&2 &
program=$!
echo "$program"
{ read -r _ <&3; kill -s "$signal" "$program"; } >/dev/null 2>&1 &
watcher=$!
exec 3<&- >&2
wait "$program"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`;

export interface GuardedProcess {
  pid: number;
  /** Resolves when the program has ended, with its exit code (128 plus the number of a signal), or null if unknown. */
  exited: Promise<number | null>;
  hasExited(): boolean;
  /** The output of the program since its start; the last 4,000 characters at most. */
  output(): string;
  /** Sends the stop signal, and harder ones when the program takes longer than `stopTimeoutMs`. */
  stop(): Promise<void>;
}

interface GuardedProcessOptions {
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  user: { uid: number; gid: number } | null;
  stopSignal: 'INT' | 'TERM';
  /** Sent `stopTimeoutMs` after the stop signal. SIGKILL follows after the same time. */
  urgentSignal: NodeJS.Signals;
  stopTimeoutMs: number;
  /** Standard output and standard error are appended to this file. */
  logFile: string;
}

/** Starts a program that ends when this process ends. Throws when it cannot be started. */
export async function startGuardedProcess(options: GuardedProcessOptions): Promise<GuardedProcess> {
  const { command, args, env, user, stopSignal, urgentSignal, stopTimeoutMs, logFile } = options;
  const log = openSync(logFile, 'a', 0o600);
  const logStart = statSync(logFile).size;
  const shell = spawn('/bin/sh', ['-c', guardian, 'guardian', stopSignal, command, ...args], {
    cwd: '/',
    env,
    detached: true,
    stdio: ['pipe', 'pipe', log],
    ...user,
  });
  closeSync(log);
  const { stdin, stdout } = shell;
  if (stdin === null || stdout === null) throw new Error(`${command} could not be started: no pipe to it was made.`);

  let ended = false;
  const exited = new Promise<number | null>((resolve) => {
    shell.once('error', () => resolve(null));
    shell.once('exit', (code) => resolve(code));
  }).then((code) => {
    ended = true;
    return code;
  });
  stdin.on('error', () => undefined); // the shell has ended: `exited` resolves
  const output = () => readFileSync(logFile).subarray(logStart).toString('utf8').slice(-4_000).trim();

  // A program that ends at once may be known to have ended before its line is read, so the end of the output decides.
  const firstLine = await new Promise<string | null>((resolve) => {
    const lines = createInterface({ input: stdout });
    lines.once('line', resolve);
    lines.once('close', () => resolve(null));
  });
  const pid = Number(firstLine);
  if (firstLine === null || !Number.isInteger(pid)) {
    throw new Error(`${command} could not be started. ${output()}`.trim());
  }

  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended already.
    }
  };
  const endsWithin = (timeoutMs: number) => waitUntil(() => (ended ? true : undefined), { timeoutMs, intervalMs: 5 });

  return {
    pid,
    exited,
    hasExited: () => ended,
    output,
    async stop() {
      if (ended) return;
      stdin.destroy();
      if (await endsWithin(stopTimeoutMs)) return;
      signal(urgentSignal);
      if (await endsWithin(stopTimeoutMs)) return;
      signal('SIGKILL');
      await exited;
    },
  };
}
