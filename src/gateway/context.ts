/**
 * The composition root of the gateway: builds everything that it consists of from its configuration. Nothing else in the
 * gateway opens a connection. It listens nowhere: `start-gateway.ts` gives it a port, and `npm start` the port of the server.
 */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import { systemClock, type Clock } from '../shared/clock.ts';
import { AppError } from '../shared/contract/errors.ts';
import { createAccessKeys, type AccessKeys } from '../shared/node/access/credentials.ts';
import { sidecarCredentialOf } from '../shared/node/access/ready-pod.ts';
import { createEntryTokens, entryKey } from '../shared/node/access/tickets.ts';
import { createAnnouncer } from '../shared/node/announcer.ts';
import { addressBlock, clientAddress } from '../shared/node/client-address.ts';
import { commandProject } from '../shared/node/command-project.ts';
import { findOwnerOfLiveToken, findUserByAccessToken } from '../shared/node/db/access-tokens-repository.ts';
import { appendAuditEntry } from '../shared/node/db/audit-repository.ts';
import { checkDatabase, databaseProblem } from '../shared/node/db/database-check.ts';
import { createDatabaseClock } from '../shared/node/db/database-clock.ts';
import { createDatabase, type Database } from '../shared/node/db/database.ts';
import { findPermittedProject } from '../shared/node/db/projects-repository.ts';
import { createRestoredData } from '../shared/node/db/restored-data.ts';
import { findSession } from '../shared/node/db/sessions-repository.ts';
import { pruneUsedTickets, redeemTicket } from '../shared/node/db/used-tickets-repository.ts';
import type { Log } from '../shared/node/log.ts';
import { runPeriodically } from '../shared/node/periodic.ts';
import { createProjectQueue } from '../shared/node/project-queue.ts';
import { createRateLimiter } from '../shared/node/rate-limiter.ts';
import { createRedis } from '../shared/node/redis.ts';
import { createStatusPublisher } from '../shared/node/status-stream.ts';
import { createAdmissions, type AdmissionSource } from './admission.ts';
import { sendPage, sendText, wantsPage } from './answers.ts';
import type { GatewayConfig } from './config.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { createGatewayMetrics, type GatewayMetrics } from './metrics.ts';
import { createOpenConnections } from './open-connections.ts';
import { createOwnPaths, type OwnPathsDeps } from './own-paths.ts';
import { createPodProxy } from './pod-proxy.ts';
import { createTokenEntries } from './token-entries.ts';
import { renderMessagePage } from './waiting-page.ts';
import { createWorkspaceCookie } from './workspace-cookie.ts';

/** With the interval of the checks of open connections, a revocation takes effect within five seconds. */
const admissionMaxAgeMs = 2_000;
const maxAdmissions = 20_000;
/** Addresses that the rate limit remembers; some megabytes. */
const maxAddresses = 20_000;
const pruneIntervalMs = 10 * 60_000;

export interface GatewayContext {
  gateway: Gateway;
  metrics: GatewayMetrics;
  /** Why the gateway cannot serve; `null` when the database takes changes and the gateway does not stop. */
  findProblem: () => Promise<string | null>;
  /** Ends what passes, waits up to `graceMs` for requests that end by themselves, and closes all connections. */
  stop(graceMs: number): Promise<void>;
}

export function createGatewayContext(config: GatewayConfig, options: { log: Log; clock?: Clock }): GatewayContext {
  const { log, clock = systemClock } = options;
  const stopping = new AbortController();
  const stores = openStores(config, log);
  const { db } = stores;
  const databaseClock = createDatabaseClock({ db, clock, log });
  const tokens = createEntryTokens({ key: entryKey(config.sessionSecret), clock: databaseClock });
  const cookie = createWorkspaceCookie({ tokens, isSecure: config.workspaceUrl.startsWith('https:') });
  const keys = createAccessKeys({ secret: config.accessSecret, previousSecret: config.accessSecretPrevious });
  const source = createAdmissionSource({ db, keys });
  const admissions = createAdmissions({ source, clock, maxAgeMs: admissionMaxAgeMs, maxEntries: maxAdmissions });
  const connections = createOpenConnections({ maxPerUser: config.maxConnectionsPerUser });
  const metrics = createGatewayMetrics(connections.count);
  const projectPage = (projectId: string) => `${config.publicUrl}/projects/${projectId}`;
  const tokenEntries = createTokenEntries({ find: (token) => findUserByAccessToken(db, token), clock });
  const gateway = createGateway({
    workspaceUrl: config.workspaceUrl,
    projectPage,
    maxBodyBytes: config.maxBodyBytes,
    cookie,
    admissions,
    connections,
    proxy: createProxy(config, { metrics, clock }),
    ownPaths: createOwnPaths({
      tokens,
      cookie,
      admissions,
      redeem: (ticketId) => redeemTicket(db, ticketId),
      command: createCommand({ ...stores, clock, sizeRules: config.sizeRules }),
      projectPage,
      stopping: stopping.signal,
    }),
    entryOfToken: tokenEntries.find,
    waitMsOf: createAddressLimit(config, clock),
    count: metrics.count,
    log,
  });
  const following = databaseClock.follow(stopping.signal);
  const pruning = runPeriodically(
    {
      task: () => pruneUsedTickets(db),
      intervalMs: pruneIntervalMs,
      onError: (error) => log.warn({ error: String(error) }, 'used tickets could not be pruned; trying again'),
    },
    stopping.signal,
  );

  return {
    gateway,
    metrics,
    findProblem: async () =>
      stopping.signal.aborted ? 'The gateway is stopping.' : checkDatabase(db).then(() => null, databaseProblem),
    async stop(graceMs) {
      stopping.abort();
      await gateway.stop(graceMs);
      await Promise.all([pruning, following]);
      await stores.close();
    },
  };
}

/** Counts requests for the address of their client. See `GatewayDeps.waitMsOf`. */
function createAddressLimit({ rateLimitPerMinute, trustedProxies }: GatewayConfig, clock: Clock) {
  const limiter = createRateLimiter({ perMinute: rateLimitPerMinute, maxKeys: maxAddresses, clock });
  return ({ socket, headers }: IncomingMessage): number => {
    const forwardedFor = [headers['x-forwarded-for'] ?? []].flat().join(',');
    return limiter.take(addressBlock(clientAddress({ peer: socket.remoteAddress, forwardedFor }, trustedProxies)));
  };
}

/** PostgreSQL, and Redis for the commands of waiting pages. Connections are opened when they are first used. */
function openStores(config: GatewayConfig, log: Log) {
  const db = createDatabase(config.databaseUrl, { applicationName: 'opencode-gateway', log });
  const redis = createRedis(config.redisUrl, { purpose: 'producer', log });
  const queue = createProjectQueue({ redis, log });
  return {
    db,
    restoredData: createRestoredData({ db, log }),
    announcer: createAnnouncer({ queue, publisher: createStatusPublisher({ redis, log }) }),
    async close() {
      await queue.close().catch(() => undefined); // Redis does not answer
      redis.disconnect();
      await db.destroy();
    },
  };
}

function createAdmissionSource(deps: { db: Database; keys: AccessKeys }): AdmissionSource {
  const { db, keys } = deps;
  return {
    async findUserId({ kind, id }) {
      if (kind === 'token') return findOwnerOfLiveToken(db, id);
      return (await findSession(db, id))?.user.id ?? null;
    },
    async findProjectToOpen(key) {
      try {
        return await findPermittedProject(db, { ...key, right: 'open' });
      } catch (error) {
        if (error instanceof AppError && error.code === 'FORBIDDEN') return null;
        throw error;
      }
    },
    credentialOf: (project) => sidecarCredentialOf(keys, project),
  };
}

function createCommand(deps: Parameters<typeof commandProject>[0]): OwnPathsDeps['command'] {
  return async ({ projectId: id, userId }, command) => {
    const requestId = randomUUID();
    await commandProject(deps, { id, command, requestId, by: { userId, right: 'command' } });
    const entry = { actorId: userId, via: 'session', action: `projects.${command}`, outcome: 'done' } as const;
    await appendAuditEntry(deps.db, { ...entry, details: { id }, requestId });
  };
}

function createProxy({ publicUrl, maxBodyBytes }: GatewayConfig, deps: { metrics: GatewayMetrics; clock: Clock }) {
  const { metrics, clock } = deps;
  const message = 'The pod of this project does not answer. Try again in a moment.';
  return createPodProxy({
    maxBodyBytes,
    clock,
    onUnreachable(request, response) {
      metrics.count('unreachable');
      response.setHeader('retry-after', '2');
      const link = { href: publicUrl, label: 'Show the project manager' };
      if (wantsPage(request))
        sendPage(
          response,
          502,
          renderMessagePage('The project does not answer', message, { link, reloadsItself: true }),
        );
      else sendText(response, 502, message);
    },
  });
}
