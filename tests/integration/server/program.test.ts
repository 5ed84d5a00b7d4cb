import { afterAll, beforeAll, expect, it } from 'vitest';

import { findFreePort } from '../../../src/embedded/process/free-port.ts';
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

it('the server lists every wrong variable at once and exits with 1', async () => {
  const program = server({ DATABASE_URL: 'nonsense', PORT: '70000', SESSION_SECRET: 'short', OIDC_CLIENT_ID: '' });
  expect(await program.exited).toBe(1);
  for (const name of ['DATABASE_URL', 'PORT', 'SESSION_SECRET', 'OIDC_CLIENT_ID']) {
    expect(program.output()).toMatch(new RegExp(`^  ${name}: .*\\.$`, 'm'));
  }
  expect(program.output()).not.toContain('REDIS_URL');
  expect(program.output()).not.toMatch(/^\s+at /m);
});

it.each(['SIGTERM', 'SIGINT'] as const)(
  'the server answers, and on %s exits with 0 within five seconds',
  async (signal) => {
    const port = await findFreePort();
    const program = server({ PORT: String(port) });
    await program.printed(listens);
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    const startedAt = performance.now();
    program.kill(signal);
    expect(await program.exited).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  },
);

it.each([
  ['does not answer', 'freeze'],
  ['is dead', 'cut'],
] as const)('the server stops as fast while Redis %s', async (_words, fault) => {
  const redis = new URL(env['REDIS_URL'] ?? '');
  const proxy = await createTcpProxy({ host: redis.hostname, port: Number(redis.port) });
  redis.port = String(proxy.port);
  const program = server({ PORT: '0', REDIS_URL: redis.href });
  await program.printed(listens);
  proxy[fault]();
  if (fault === 'cut') await program.printed(/Redis does not answer; trying again/);
  const startedAt = performance.now();
  program.kill('SIGTERM');
  expect(await program.exited).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  await proxy.close();
});

it('the server says in one line that its port is taken, and exits with 1', async () => {
  const taken = await createTcpProxy({ host: '127.0.0.1', port: 9 });
  const program = server({ PORT: String(taken.port) });
  expect(await program.exited).toBe(1);
  expect(program.output()).toBe(
    `The server cannot listen on 127.0.0.1:${taken.port}: it is taken. Set PORT or HOST to another one.\n`,
  );
  await taken.close();
});
