/** Starts server and worker as processes, as in production, for tests that kill and freeze them. */

import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { freezeProcess } from './freeze.ts';
import { findKeptPort } from './kept-port.ts';
import { programEnvironment } from './program-environment.ts';
import { readMetric } from './read-metric.ts';

const root = resolve(import.meta.dirname, '../..');
/** On a machine that is busy with other tests. */
const startTimeoutMs = 180_000;

export interface ProcessExit {
  code: number | null;
  signal: string | null;
}

export interface ServiceProcess {
  pid: number;
  /** The URL of the server, or of the health endpoints of the worker, without a slash at the end. */
  url: string;
  /** Its output so far, both streams. */
  output(): string;
  /**
   * The sum of the samples of a metric that have these labels; 0 when none has them.
   * @throws Error when the process does not answer within five seconds or has no such metric
   */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  /** Stops it with SIGSTOP. */
  freeze(): void;
  thaw(): void;
  /** Makes its clock wrong by this time from now on. */
  setClock(wrongByMs: number): void;
  /** Sends the signal (SIGKILL by default), thaws the process, and waits for its end. */
  kill(signal?: NodeJS.Signals): Promise<ProcessExit>;
  /** Resolves when it has ended, for whatever reason. */
  exited: Promise<ProcessExit>;
}

export interface ServerProcessOptions {
  databaseUrl: string;
  redisUrl: string;
  /** Further variables. They override the defaults. */
  env?: Record<string, string>;
  /** A free port by default. Give one to restart on the same port. */
  port?: number;
  /** The program instead of the source of the product: an absolute path, or one from the root of the project. */
  entry?: string;
}

/**
 * Runs `src/server/main.ts`. Resolves when it listens.
 *
 * @throws Error with its output when it ends before
 */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServiceProcess> {
  const port = options.port ?? (await findKeptPort());
  const url = `http://127.0.0.1:${port}`;
  return runService({
    entry: options.entry ?? 'src/server/main.ts',
    url,
    env: {
      DATABASE_URL: options.databaseUrl,
      REDIS_URL: options.redisUrl,
      PORT: String(port),
      HOST: '127.0.0.1',
      PUBLIC_URL: url,
      OIDC_ISSUER: 'http://127.0.0.1:9', // the discard port, where nothing answers
      OIDC_CLIENT_ID: 'test-client',
      RATE_LIMIT_PER_MINUTE: '1000000', // tests send more requests than people
      SESSION_SECRET: 'a secret of tests, longer than 32 characters',
      KEY_ENCRYPTION_SECRET: 'a secret for model keys of tests, longer than 32',
      ...options.env,
    },
  });
}

export interface WorkerProcessOptions extends ServerProcessOptions {
  kubeconfigPath: string;
}

/**
 * Runs a worker. Resolves when `/livez` answers.
 *
 * @throws Error with its output when it ends before
 */
export async function startWorkerProcess(options: WorkerProcessOptions): Promise<ServiceProcess> {
  const port = options.port ?? (await findKeptPort());
  return runService({
    entry: options.entry ?? 'src/worker/main.ts',
    url: `http://127.0.0.1:${port}`,
    env: {
      DATABASE_URL: options.databaseUrl,
      REDIS_URL: options.redisUrl,
      KUBECONFIG: options.kubeconfigPath,
      WORKER_METRICS_PORT: String(port),
      ...options.env,
    },
  });
}

/**
 * Runs `src/gateway/main.ts`. Resolves when it listens.
 *
 * @throws Error with its output when it ends before
 */
export async function startGatewayProcess(options: ServerProcessOptions): Promise<ServiceProcess> {
  const port = options.port ?? (await findKeptPort());
  return runService({
    entry: options.entry ?? 'src/gateway/main.ts',
    url: `http://127.0.0.1:${port}`,
    env: {
      DATABASE_URL: options.databaseUrl,
      REDIS_URL: options.redisUrl,
      GATEWAY_PORT: String(port),
      GATEWAY_BROKER_PORT: '0',
      HOST: '127.0.0.1',
      PUBLIC_URL: 'http://product.test',
      WORKSPACE_DOMAIN: 'projects.test',
      SESSION_SECRET: 'a secret of tests, longer than 32 characters',
      ACCESS_SECRET: 'an access secret of tests, longer than 32 characters',
      ...options.env,
    },
  });
}

async function runService(options: {
  entry: string;
  url: string;
  env: Record<string, string>;
}): Promise<ServiceProcess> {
  const { entry, url } = options;
  const preludes = ['end-with-starter.ts', 'wrong-clock.ts'].flatMap((name) => [
    '--import',
    join(import.meta.dirname, name),
  ]);
  const child = spawn(process.execPath, [...preludes, resolve(root, entry)], {
    cwd: root,
    env: { ...programEnvironment, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  const collect = (chunk: Buffer) => (output += chunk.toString());
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  child.stdin.on('error', () => undefined); // the process has ended
  const exited = new Promise<ProcessExit>((settle, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => settle({ code, signal }));
  });
  let ended = false;
  exited.then(
    () => (ended = true),
    () => (ended = true),
  );

  const deadline = performance.now() + startTimeoutMs;
  while (!(await answers(`${url}/livez`))) {
    if (ended) {
      const { code, signal } = await exited;
      throw new Error(`${entry} ended with ${signal ?? `exit code ${code}`} before it was ready:\n${output}`);
    }
    if (performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`${entry} was not ready within ${startTimeoutMs / 1_000} s:\n${output}`);
    }
    await delay(20);
  }

  const pid = child.pid ?? 0; // it was started, because it has answered
  let thawAll: (() => void) | null = null;
  const thaw = () => {
    thawAll?.();
    thawAll = null;
  };
  return {
    pid,
    url,
    output: () => output,
    async metric(name, labels = {}) {
      const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) });
      return readMetric(await response.text(), name, labels);
    },
    freeze() {
      if (!ended) thawAll ??= freezeProcess(pid);
    },
    thaw,
    setClock: (wrongByMs) => void child.stdin.write(`clock ${wrongByMs}\n`),
    async kill(signal = 'SIGKILL') {
      child.kill(signal);
      thaw();
      return exited;
    },
    exited,
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false; // not yet
  }
}
