/** The programs of the image, as `npm run build` makes them, in a folder like that of the image: without sources or packages. */

import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { startGatewayProcess, startServerProcess, startWorkerProcess } from '../support/processes.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../support/services.ts';
import { startQuickCluster, type QuickCluster } from '../support/worker-system.ts';

const root = resolve(import.meta.dirname, '../..');
const page = '<!doctype html><title>built</title>';
const waiting = { timeout: 30_000 };

let folder: string;
let database: TestDatabase;
let redisUrl: string;
let cluster: QuickCluster;

const bundle = (name: string) => join(folder, `dist/programs/${name}.js`);
const options = (name: string, env: Record<string, string> = {}) => ({
  databaseUrl: database.url,
  redisUrl,
  entry: bundle(name),
  env: { NODE_OPTIONS: '--enable-source-maps', ...env },
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'opencode-programs-'));
  mkdirSync(join(folder, 'dist/client'), { recursive: true });
  writeFileSync(join(folder, 'dist/client/index.html'), page);
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  [database, redisUrl, cluster] = await Promise.all([
    createTestDatabase(),
    createTestRedis().then(({ url }) => url),
    startQuickCluster(),
    build({
      root,
      configFile: join(root, 'vite.config.ts'),
      mode: 'programs',
      logLevel: 'error',
      build: { outDir: join(folder, 'dist/programs') },
    }),
  ]);
});
afterAll(async () => {
  await Promise.all([cluster?.stop(), database?.drop()]);
  rmSync(folder, { recursive: true, force: true });
});

// Each test mostly waits for a process to start, so they run at the same time.
describe.concurrent('a program of the image', { timeout: 60_000 }, () => {
  it('migrates the database', async () => {
    const env = { DATABASE_URL: database.url };
    const { stdout } = await promisify(execFile)(process.execPath, [bundle('migrate')], { env });
    expect(stdout).toBe('Nothing to do.\n');
  });

  it('serves the built pages and says that it is ready, with traces', async () => {
    const server = await startServerProcess(options('server', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }));
    try {
      expect(await (await fetch(server.url, { headers: { accept: 'text/html' } })).text()).toBe(page);
      await vi.waitFor(async () => expect((await fetch(`${server.url}/readyz`)).status).toBe(200), waiting);
    } finally {
      expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    }
  });

  it('watches the cluster', async () => {
    const worker = await startWorkerProcess({ ...options('worker'), kubeconfigPath: cluster.kubeconfigPath });
    try {
      await vi.waitFor(async () => expect(await worker.metric('opencode_watch_connected')).toBe(1), waiting);
    } finally {
      expect(await worker.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    }
  });

  it('lets people pass to projects', async () => {
    const gateway = await startGatewayProcess(options('gateway'));
    try {
      expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
    } finally {
      expect(await gateway.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    }
  });

  it('logs an unexpected failure with the lines of its sources', async () => {
    const breakIt = `import net from 'node:net'; net.Server.prototype.listen = () => { throw new Error('broken'); };`;
    const flags = `--enable-source-maps --import data:text/javascript,${encodeURIComponent(breakIt)}`;
    await expect(startServerProcess(options('server', { NODE_OPTIONS: flags }))).rejects.toThrow(
      /at async listen \([^)]*\/src\/server\/server\.ts:\d+:\d+\)/,
    );
  });
});
