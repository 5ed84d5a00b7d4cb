import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';

import { crowded } from '../../../tests/support/crowded.ts';
import { killGuardians } from '../../../tests/support/kill-guardians.ts';
import { runInAnotherProcess } from '../../../tests/support/run-in-another-process.ts';
import { silentLog } from '../embedded-log.ts';
import { isAlive } from '../process/process-info.ts';
import { waitUntil } from '../process/wait-until.ts';
import { createEmbeddedPostgres } from './postgres.ts';

// Several servers are started and stopped in each test, on machines that may be busy with others.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const makeTable = 'DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 7 AS number';

/** One folder for all tests, for making it takes a second; what a test leaves in it is a stopped server's data. */
let dataDir: string;
let running: { stop(): Promise<void> }[] = [];

beforeAll(() => {
  dataDir = makeFolder();
});

afterEach(async () => {
  await Promise.all(running.map((service) => service.stop()));
  running = [];
});

afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

test('data, port and password survive a stop, which takes less than two seconds even with sessions open', async () => {
  const first = await start();
  await query(first.url, makeTable);
  const idle = new Client({ connectionString: first.url });
  idle.on('error', () => undefined);
  await idle.connect();
  const began = performance.now();
  await first.stop();
  expect(performance.now() - began).toBeLessThan(crowded(2_000));

  const second = await start();
  expect(second.url).toBe(first.url);
  expect(await query(second.url, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
});

test('the password file is for the owner alone, and a connection without the password is refused', async () => {
  const { url } = await start();
  expect(statSync(join(dataDir, 'postgres-settings.json')).mode & 0o777).toBe(0o600);
  const wrong = new URL(url);
  wrong.password = 'guessed';
  await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
});

test('the server ends by itself when the process that started it is killed, and nothing committed is lost', async () => {
  const { told: url, killHard } = await runInAnotherProcess(startCode());
  await query(url, makeTable);
  const server = serverPid();
  await killHard();
  expect(await waitUntil(() => (isAlive(server) ? undefined : true), { timeoutMs: 3_000 })).toBe(true);

  const again = await start();
  expect(await query(again.url, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
});

test('a server that outlived its starter is stopped and its data used', async () => {
  const { told: url, killHard } = await runInAnotherProcess(startCode());
  await query(url, makeTable);
  const server = serverPid();
  killGuardians(dataDir);
  await killHard();
  expect(isAlive(server)).toBe(true);

  const again = await start();
  expect(isAlive(server)).toBe(false);
  expect(await query(again.url, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
});

test('kill -9 of starter and server together loses nothing committed', async () => {
  const { told: url, killHard } = await runInAnotherProcess(startCode());
  await query(url, makeTable);
  process.kill(serverPid(), 'SIGKILL');
  await killHard();

  const again = await start();
  expect(await query(again.url, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
});

test('a pid file whose process id now belongs to somebody else does not stop the start', async () => {
  await (await start()).stop();
  writeFileSync(join(dataDir, 'postgres', 'postmaster.pid'), `${process.pid}\n/elsewhere\n1\n5432\n\n\n`);
  const { url } = await start();
  expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a second start on the same folder is refused and names the process, one on another folder runs beside it', async () => {
  const beside = makeFolder();
  // A copy with its owners, and with the same port remembered.
  execFileSync('cp', ['-a', join(dataDir, 'postgres'), join(dataDir, 'postgres-settings.json'), beside]);
  const one = await start();
  const other = await start(beside);
  await expect(start()).rejects.toThrow(/postgres data in .* is in use by this very process/);
  expect(new URL(one.url).port).not.toBe(new URL(other.url).port);
  await one.stop();

  const { killHard } = await runInAnotherProcess(startCode());
  await expect(start()).rejects.toThrow(/is in use by process \d+ \(.*node.*\)\. Stop it first, or choose/);
  await killHard();
  await other.stop();
  rmSync(beside, { recursive: true });
});

test('an interrupted first start is begun anew, and a folder that is no database is never touched', async () => {
  const folder = makeFolder();
  mkdirSync(join(folder, 'postgres.initialising'));
  writeFileSync(join(folder, 'postgres.initialising', 'PG_VERSION'), '18');
  const { url, stop } = await start(folder);
  expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  expect(existsSync(join(folder, 'postgres.initialising'))).toBe(false);
  await stop();

  rmSync(join(folder, 'postgres'), { recursive: true });
  mkdirSync(join(folder, 'postgres'));
  writeFileSync(join(folder, 'postgres', 'precious.txt'), 'mine');
  await expect(start(folder)).rejects.toThrow(/exists but holds no PostgreSQL database/);
  expect(readFileSync(join(folder, 'postgres', 'precious.txt'), 'utf8')).toBe('mine');
  rmSync(folder, { recursive: true });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'embedded-postgres-'));
  chmodSync(folder, 0o711); // PostgreSQL runs as another user when the tests run as root
  return folder;
}

async function start(folder = dataDir) {
  const service = await createEmbeddedPostgres({ dataDir: folder, survives: 'processes', log: silentLog });
  running.push(service);
  return service;
}

function startCode(): string {
  return `
    import { createEmbeddedPostgres } from ${JSON.stringify(new URL('postgres.ts', import.meta.url).href)};
    const log = { info() {}, warn() {} };
    const { url } = await createEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, survives: 'processes', log });
    tell(url);
  `;
}

function serverPid(): number {
  return Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
}

/** Kills the shells that would stop the server, as the kernel may do when memory runs out. */
async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined); // a server that is killed under it is part of the test
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}
