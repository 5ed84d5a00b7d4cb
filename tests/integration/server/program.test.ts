import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { findFreePort } from '../../../src/embedded/process/free-port.ts';
import { waitUntil } from '../../../src/embedded/process/wait-until.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { runProgram } from '../../support/started-system.ts';
import { createTcpProxy } from '../../support/tcp-proxy.ts';

let database: TestDatabase;
let env: Record<string, string>;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  env = {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    HOST: '127.0.0.1',
    OIDC_ISSUER: 'http://127.0.0.1:9',
    OIDC_CLIENT_ID: 'app',
    SESSION_SECRET: 'a secret of tests, longer than 32 characters',
  };
});
afterAll(() => database.drop());

const server = (changes: Record<string, string>) => runProgram('src/server/main.ts', { ...env, ...changes });
const listens = /"msg":"the server listens"/;

/** Starts the server, calls `prepare`, sends the signal, and expects an exit with 0 within five seconds. */
async function expectQuickStop(
  signal: 'SIGTERM' | 'SIGINT',
  options: { changes: Record<string, string>; prepare: (program: ReturnType<typeof runProgram>) => Promise<void> },
): Promise<void> {
  const program = server(options.changes);
  await program.printed(listens);
  await options.prepare(program);
  const startedAt = performance.now();
  program.kill(signal);
  expect(await program.exited).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
}

// Each test mostly waits for a process to start, so they run at the same time.
describe.concurrent('the server program', () => {
  it('lists every wrong variable at once and exits with 1', async () => {
    const program = server({ DATABASE_URL: 'nonsense', PORT: '70000', SESSION_SECRET: 'short', OIDC_CLIENT_ID: '' });
    expect(await program.exited).toBe(1);
    for (const name of ['DATABASE_URL', 'PORT', 'SESSION_SECRET', 'OIDC_CLIENT_ID']) {
      expect(program.output()).toMatch(new RegExp(`^  ${name}: .*\\.$`, 'm'));
    }
    expect(program.output()).not.toContain('REDIS_URL');
    expect(program.output()).not.toMatch(/^\s+at /m);
  });

  it('answers, and exits with 0 within five seconds after SIGTERM', async () => {
    const port = await findFreePort();
    await expectQuickStop('SIGTERM', {
      changes: { PORT: String(port) },
      // Like a probe: its first connection to PostgreSQL may take longer than one answer waits.
      async prepare() {
        const isReady = async () =>
          (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200 ? true : undefined;
        expect(await waitUntil(isReady, { timeoutMs: 10_000 })).toBe(true);
      },
    });
  });

  it.each([
    ['SIGINT', 'does not answer', 'freeze'],
    ['SIGTERM', 'is dead', 'cut'],
  ] as const)('exits with 0 within five seconds after %s while Redis %s', async (signal, _state, fault) => {
    const redis = new URL(env['REDIS_URL'] ?? '');
    const proxy = await createTcpProxy({ host: redis.hostname, port: Number(redis.port) });
    redis.port = String(proxy.port);
    await expectQuickStop(signal, {
      changes: { PORT: '0', REDIS_URL: redis.href },
      async prepare(program) {
        proxy[fault]();
        if (fault === 'cut') await program.printed(/Redis does not answer; trying again/);
      },
    });
    await proxy.close();
  });

  it('reports in one line that its port is taken, and exits with 1', async () => {
    const taken = await createTcpProxy({ host: '127.0.0.1', port: 9 });
    const program = server({ PORT: String(taken.port), LOG_LEVEL: 'error' });
    expect(await program.exited).toBe(1);
    expect(program.output()).toBe(
      `The server cannot listen on 127.0.0.1:${taken.port}: it is taken. Set PORT or HOST to another one.\n`,
    );
    await taken.close();
  });
});
