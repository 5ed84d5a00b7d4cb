import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { waitUntil } from './wait-until.ts';

/**
 * The shell that stands between us and the program. It holds the other end of a pipe of ours: when we close the pipe, or
 * die in whatever way, it sends the program its stop signal. So nothing that we start outlives us, even after kill -9.
 * It runs in a session of its own, for Ctrl-C in a terminal goes to all of a session, and the program must stay until
 * those who use it are done.
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
  /** Settles when the program has ended: its exit code (128 and the signal's number after a signal), null if unknown. */
  exited: Promise<number | null>;
  hasExited(): boolean;
  /** What the program has written to its log since it was started, at most the last 4,000 characters. */
  output(): string;
  /** Asks it to stop; harder signals follow if it takes longer than `timeoutMs`. Harmless when it has ended. */
  stop(): Promise<void>;
}

export interface GuardedProcessOptions {
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  user: { uid: number; gid: number } | null;
  stopSignal: 'INT' | 'TERM';
  /** Sent when the stop signal has not been enough; SIGKILL follows as long after that. */
  urgentSignal: NodeJS.Signals;
  stopTimeoutMs: number;
  /** Its standard output and error are appended here. */
  logFile: string;
}

/** Starts a program that ends when this process does. Throws when it cannot be started at all. */
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
  stdin.on('error', () => undefined); // the shell went first: `exited` tells
  const output = () => readFileSync(logFile).subarray(logStart).toString('utf8').slice(-4_000).trim();

  const firstLine = await Promise.race([
    new Promise<string>((resolve) => createInterface({ input: stdout }).once('line', resolve)),
    exited,
  ]);
  const pid = Number(firstLine);
  if (typeof firstLine !== 'string' || !Number.isInteger(pid)) {
    throw new Error(`${command} could not be started. ${output()}`.trim());
  }

  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended in the meantime, which is what was wanted.
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
