/**
 * Runs once before a lane with services. Starts PostgreSQL and Redis in a temporary folder, or uses those of TEST_DATABASE_URL
 * and TEST_REDIS_URL. Creates the template database, and prints which services are used and which tests are skipped.
 */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client } from 'pg';
import type { TestProject } from 'vitest/node';

import { silentLog } from '../../src/embedded/embedded-log.ts';
import { createEmbeddedPostgres } from '../../src/embedded/postgres/postgres.ts';
import { createEmbeddedRedis } from '../../src/embedded/redis/redis.ts';
import { migrateToLatest } from '../../src/shared/node/db/migrate.ts';
import { hasOpenCode } from './opencode.ts';
import { findChromium, runAsAdmin } from './services.ts';

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const undo: (() => Promise<void> | void)[] = [];
  const tearDown = async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const folder = mkdtempSync(join(tmpdir(), 'opencode-tests-'));
    chmodSync(folder, 0o711); // PostgreSQL runs as another user when the tests run as root
    undo.push(() => rmSync(folder, { recursive: true, force: true }));

    const [postgres, redis] = await settleBoth(startPostgres(folder), startRedis(folder), undo);
    const template = `opencode_test_${randomBytes(4).toString('hex')}`;
    await runAsAdmin(postgres.url, `CREATE DATABASE ${template}`);
    undo.push(() => runAsAdmin(postgres.url, `DROP DATABASE IF EXISTS ${template} WITH (FORCE)`));
    await migrate(postgres.url, template);

    project.provide('postgresAdminUrl', postgres.url);
    project.provide('postgresTemplate', template);
    project.provide('redisUrl', redis.url);
    process.stdout.write(
      `${[postgres.description, redis.description, describeKubernetes(), describeChromium(), describeOpenCode()].join('\n')}\n\n`,
    );
  } catch (error) {
    await tearDown();
    throw error;
  }
  return tearDown;
}

interface Service {
  url: string;
  description: string;
  stop(): Promise<void>;
}

async function startPostgres(folder: string): Promise<Service> {
  const named = process.env['TEST_DATABASE_URL'];
  if (named === undefined || named === '') {
    const postgres = await createEmbeddedPostgres({
      dataDir: folder,
      survives: 'processes',
      maxConnections: 400,
      log: silentLog,
    });
    return { url: postgres.url, description: `${postgres.version} (embedded)`, stop: () => postgres.stop() };
  }
  const client = new Client({ connectionString: named });
  await client.connect();
  const shown = await client.query<{ server_version: string }>('SHOW server_version');
  await client.end();
  const description = `PostgreSQL ${shown.rows[0]?.server_version} (TEST_DATABASE_URL)`;
  return { url: named, description, stop: async () => undefined };
}

async function startRedis(folder: string): Promise<Service> {
  const named = process.env['TEST_REDIS_URL'];
  if (named !== undefined && named !== '') {
    return { url: named, description: 'Redis (TEST_REDIS_URL)', stop: async () => undefined };
  }
  const redis = await createEmbeddedRedis({ dataDir: folder, databases: 512, log: silentLog });
  return { url: redis.url, description: `Redis: ${redis.source}`, stop: () => redis.stop() };
}

/** Waits for both, so that one is stopped when the other fails. */
async function settleBoth(
  first: Promise<Service>,
  second: Promise<Service>,
  undo: (() => Promise<void> | void)[],
): Promise<[Service, Service]> {
  for (const result of await Promise.allSettled([first, second])) {
    if (result.status === 'fulfilled') undo.push(() => result.value.stop());
  }
  return Promise.all([first, second]);
}

async function migrate(adminUrl: string, template: string): Promise<void> {
  const url = new URL(adminUrl);
  url.pathname = `/${template}`;
  await migrateToLatest(url.href);
}

function describeKubernetes(): string {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets === undefined || assets === '') {
    return 'Kubernetes: embedded API; tests on a real kube-apiserver are skipped: KUBEBUILDER_ASSETS is not set';
  }
  const version = firstLine(join(assets, 'kube-apiserver'));
  return version === null
    ? `Kubernetes: embedded API; there is no kube-apiserver that runs in KUBEBUILDER_ASSETS (${assets})`
    : `Kubernetes: embedded API; real kube-apiserver ${version.replace(/^Kubernetes v?/, '')} from KUBEBUILDER_ASSETS`;
}

function describeChromium(): string {
  const chromium = findChromium();
  if (chromium === null)
    return 'Chromium: tests in a browser are skipped: no chromium on the path (nor in CHROMIUM_PATH)';
  return /^(Chromium|Google Chrome) \d+/.exec(firstLine(chromium) ?? '')?.[0] ?? `Chromium: ${chromium}`;
}

function describeOpenCode(): string {
  return hasOpenCode
    ? 'OpenCode: its own binary'
    : 'OpenCode: tests on its own binary are skipped: the optional package is missing';
}

function firstLine(program: string): string | null {
  try {
    return (
      execFileSync(program, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0] ??
      ''
    );
  } catch {
    return null;
  }
}
