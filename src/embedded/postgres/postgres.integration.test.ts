import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { killGuardians } from '../../../tests/support/kill-guardians.ts';
import { runInAnotherProcess } from '../../../tests/support/run-in-another-process.ts';
import { silentLog } from '../embedded-log.ts';
import { isAlive } from '../process/process-info.ts';
import { waitUntil } from '../process/wait-until.ts';
import { createEmbeddedPostgres } from './postgres.ts';

// Several servers are started and stopped in each test.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const createTable = 'DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 7 AS number';
const selectKept = 'SELECT number FROM kept';

/** A stopped server's data. Each test works on a copy, because initdb takes longer than a copy. */
let template: string;

beforeAll(async () => {
  template = createFolder();
  await (await startOn(template)).stop();
});

afterAll(() => rmSync(template, { recursive: true, force: true }));

test('data, port and password survive a stop, which takes less than two seconds even with sessions open', async ({
  onTestFinished,
}) => {
  const { start } = copyTemplate(onTestFinished);
  const first = await start();
  await query(first.url, createTable);
  const idle = new Client({ connectionString: first.url });
  idle.on('error', () => undefined);
  await idle.connect();
  const startedAt = performance.now();
  await first.stop();
  expect(performance.now() - startedAt).toBeLessThan(2_000);

  const second = await start();
  expect(second.url).toBe(first.url);
  expect(await query(second.url, selectKept)).toEqual([{ number: 7 }]);
});

describe.concurrent('the embedded PostgreSQL', () => {
  test('keeps its password in a file for its owner only, and refuses a wrong password', async ({ onTestFinished }) => {
    const { dataDir, start } = copyTemplate(onTestFinished);
    const { url } = await start();
    expect(statSync(join(dataDir, 'postgres-settings.json')).mode & 0o777).toBe(0o600);
    const wrong = new URL(url);
    wrong.password = 'guessed';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  test('ends when the process that started it is killed, and loses nothing committed', async ({ onTestFinished }) => {
    const { dataDir, start } = copyTemplate(onTestFinished);
    const { output: url, killHard } = await runInAnotherProcess(startCode(dataDir));
    await query(url, createTable);
    const server = serverPid(dataDir);
    await killHard();
    expect(await waitUntil(() => (isAlive(server) ? undefined : true), { timeoutMs: 3_000 })).toBe(true);
    expect(await query((await start()).url, selectKept)).toEqual([{ number: 7 }]);
  });

  test('is stopped by the next start when it has outlived its starter, and its data is used', async ({
    onTestFinished,
  }) => {
    const { dataDir, start } = copyTemplate(onTestFinished);
    const { output: url, killHard } = await runInAnotherProcess(startCode(dataDir));
    await query(url, createTable);
    const server = serverPid(dataDir);
    killGuardians(dataDir);
    await killHard();
    expect(isAlive(server)).toBe(true);

    const restarted = await start();
    expect(isAlive(server)).toBe(false);
    expect(await query(restarted.url, selectKept)).toEqual([{ number: 7 }]);
  });

  test('loses nothing committed when it is killed together with its starter', async ({ onTestFinished }) => {
    const { dataDir, start } = copyTemplate(onTestFinished);
    const { output: url, killHard } = await runInAnotherProcess(startCode(dataDir));
    await query(url, createTable);
    process.kill(serverPid(dataDir), 'SIGKILL');
    await killHard();
    expect(await query((await start()).url, selectKept)).toEqual([{ number: 7 }]);
  });

  test('starts when the process id in an old pid file belongs to another process', async ({ onTestFinished }) => {
    const { dataDir, start } = copyTemplate(onTestFinished);
    writeFileSync(join(dataDir, 'postgres', 'postmaster.pid'), `${process.pid}\n/elsewhere\n1\n5432\n\n\n`);
    expect(await query((await start()).url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('refuses a second start on the same folder and names the process, and runs beside one on another folder', async ({
    onTestFinished,
  }) => {
    // Both copies remember the same port.
    const one = copyTemplate(onTestFinished);
    const other = copyTemplate(onTestFinished);
    const running = await one.start();
    const beside = await other.start();
    await expect(one.start()).rejects.toThrow(/postgres data in .* is in use by this process/);
    expect(new URL(running.url).port).not.toBe(new URL(beside.url).port);
    await running.stop();

    const { killHard } = await runInAnotherProcess(startCode(one.dataDir));
    await expect(one.start()).rejects.toThrow(/is in use by process \d+ \(.*node.*\)\. Stop it first, or choose/);
    await killHard();
  });

  test('repeats an interrupted first start, and never changes a folder that is not a database', async ({
    onTestFinished,
  }) => {
    const folder = createFolder();
    onTestFinished(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, 'postgres.initialising'));
    writeFileSync(join(folder, 'postgres.initialising', 'PG_VERSION'), '18');
    const { url, stop } = await startOn(folder);
    onTestFinished(stop);
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(existsSync(join(folder, 'postgres.initialising'))).toBe(false);
    await stop();

    rmSync(join(folder, 'postgres'), { recursive: true });
    mkdirSync(join(folder, 'postgres'));
    writeFileSync(join(folder, 'postgres', 'precious.txt'), 'mine');
    await expect(startOn(folder)).rejects.toThrow(/exists but contains no PostgreSQL database/);
    expect(readFileSync(join(folder, 'postgres', 'precious.txt'), 'utf8')).toBe('mine');
  });
});

type OnTestFinished = (clean: () => void | Promise<void>) => void;

/** A copy of the template for one test, with the same owners. Servers that the test starts are stopped at its end. */
function copyTemplate(onTestFinished: OnTestFinished) {
  const dataDir = createFolder();
  execFileSync('cp', ['-a', join(template, 'postgres'), join(template, 'postgres-settings.json'), dataDir]);
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const start = async () => {
    const service = await startOn(dataDir);
    onTestFinished(() => service.stop()); // runs before the removal above
    return service;
  };
  return { dataDir, start };
}

function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'embedded-postgres-'));
  chmodSync(folder, 0o711); // PostgreSQL runs as another user when the tests run as root
  return folder;
}

function startOn(dataDir: string) {
  return createEmbeddedPostgres({ dataDir, survives: 'processes', log: silentLog });
}

function startCode(dataDir: string): string {
  return `
    import { createEmbeddedPostgres } from ${JSON.stringify(new URL('postgres.ts', import.meta.url).href)};
    const log = { info() {}, warn() {} };
    const { url } = await createEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, survives: 'processes', log });
    print(url);
  `;
}

function serverPid(dataDir: string): number {
  return Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
}

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined); // some tests kill the server of an open connection
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}
