/** Runs the program of `npm start` as a separate process. */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { findFreePort } from '../../src/embedded/process/free-port.ts';
import { programEnvironment } from './program-environment.ts';

const root = resolve(import.meta.dirname, '../..');

export interface StartedSystem {
  pid: number;
  url: string;
  dataDir: string;
  kubeconfigPath: string;
  /** Everything that the program has printed so far. */
  output(): string;
  /** Sends the signal and waits for the end. The exit code is `null` when the signal itself ended the process. */
  end(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<{ code: number | null; tookMs: number }>;
}

/** Creates a folder for `DATA_DIR`. The embedded PostgreSQL can use it even when the tests run as root. */
export function createDataDir(): { dataDir: string; remove(): void } {
  const dataDir = mkdtempSync(join(tmpdir(), 'opencode-system-'));
  return { dataDir, remove: () => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 }) };
}

/**
 * Starts the program and waits until it prints that it is ready.
 * @throws Error with everything that the program printed, when it ends before that
 */
export async function startSystem(options: {
  dataDir: string;
  port?: number;
  env?: Record<string, string>;
}): Promise<StartedSystem> {
  const port = options.port ?? (await findFreePort());
  const run = runProgram('src/embedded/main.ts', { PORT: String(port), DATA_DIR: options.dataDir, ...options.env });
  await Promise.race([
    run.printed(/^Ready after/m),
    run.exited.then((code) => {
      throw new Error(`The program ended with exit code ${code} before it was ready:\n${run.output()}`);
    }),
  ]);
  return {
    pid: run.pid,
    url: `http://localhost:${port}`,
    dataDir: options.dataDir,
    kubeconfigPath: join(options.dataDir, 'kubeconfig'),
    output: run.output,
    async end(signal) {
      const startedAt = performance.now();
      run.kill(signal);
      return { code: await run.exited, tookMs: performance.now() - startedAt };
    },
  };
}

interface RunningProgram {
  pid: number;
  output(): string;
  /** Resolves when the output matches the pattern. */
  printed(pattern: RegExp): Promise<void>;
  exited: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

/** Runs one of our programs with this environment, and with PATH and HOME. */
export function runProgram(file: string, env: Record<string, string>, args: string[] = []): RunningProgram {
  const child = spawn(process.execPath, [join(root, file), ...args], {
    cwd: root,
    env: { ...programEnvironment, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const watchers = new Set<() => void>();
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
    for (const check of watchers) check();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return {
    pid: child.pid ?? 0, // without one, `exited` rejects
    output: () => output,
    printed: (pattern) =>
      new Promise((resolvePrinted) => {
        const check = () => {
          if (!pattern.test(output)) return;
          watchers.delete(check);
          resolvePrinted();
        };
        watchers.add(check);
        check();
      }),
    exited: new Promise((resolveExited, reject) => {
      child.on('error', reject);
      child.on('close', resolveExited);
    }),
    kill: (signal) => child.kill(signal),
  };
}
