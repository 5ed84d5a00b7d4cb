/** Starts a server in this process on a free port, for tests that use it over the network. */

import { readServerConfig } from '../../src/server/config.ts';
import type { ServerTimings } from '../../src/server/context.ts';
import type { HostedApplication } from '../../src/server/http/hosted-application.ts';
import { startServer } from '../../src/server/server.ts';
import type { Clock } from '../../src/shared/clock.ts';
import { insertAccessToken } from '../../src/shared/node/db/access-tokens-repository.ts';
import { upsertUser } from '../../src/shared/node/db/users-repository.ts';
import { createLog } from '../../src/shared/node/log.ts';
import { openTestDatabase } from './open-test-database.ts';
import { testIssuer } from './test-issuer.ts';

export interface TestServerOptions {
  databaseUrl: string;
  redisUrl: string;
  /** Further environment variables, such as `OIDC_ISSUER` or `MAX_PROJECTS_PER_USER`. */
  env?: Record<string, string>;
  timings?: Partial<ServerTimings>;
  clientDir?: string;
  clock?: Clock;
  /** Another application in the same listener. */
  hosted?: HostedApplication;
  /** Receives the lines of the log; standard output by default. */
  logTo?: { write(line: string): void };
}

export interface TestServer {
  url: string;
  port: number;
  /** Creates the person if necessary, and returns a new personal access token. */
  mintToken(name: string): Promise<string>;
  stop(): Promise<void>;
}

export const testSessionSecret = 'a secret of tests, longer than 32 characters';

export async function startTestServer(options: TestServerOptions): Promise<TestServer> {
  const config = readServerConfig({
    DATABASE_URL: options.databaseUrl,
    REDIS_URL: options.redisUrl,
    PORT: '0',
    HOST: '127.0.0.1',
    OIDC_ISSUER: testIssuer,
    OIDC_CLIENT_ID: 'test-client',
    SESSION_SECRET: testSessionSecret,
    KEY_ENCRYPTION_SECRET: 'a secret for model keys of tests, longer than 32',
    LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    ...options.env,
  });
  const server = await startServer(config, {
    log: createLog({
      name: 'test-server',
      level: config.logLevel,
      ...(options.logTo ? { destination: options.logTo } : {}),
    }),
    ...(options.clientDir === undefined ? {} : { clientDir: options.clientDir }),
    ...(options.timings ? { timings: options.timings } : {}),
    ...(options.clock ? { clock: options.clock } : {}),
    ...(options.hosted ? { hosted: options.hosted } : {}),
  });
  return {
    url: server.url,
    port: server.port,
    mintToken: (name) => mintToken(options.databaseUrl, name, config.oidc.identityIssuer),
    stop: server.stop,
  };
}

/** @param issuer of the person; that of the tests unless given */
export async function mintToken(databaseUrl: string, name: string, issuer = testIssuer): Promise<string> {
  const db = openTestDatabase(databaseUrl, { poolSize: 1 });
  try {
    const user = await upsertUser(db, {
      issuer,
      subject: name,
      email: `${name}@example.test`,
      emailVerified: true,
      name,
      picture: null,
    });
    return (await insertAccessToken(db, { userId: user.id, name: 'test', expiresAt: null })).token;
  } finally {
    await db.destroy();
  }
}
