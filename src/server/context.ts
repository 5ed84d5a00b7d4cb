/**
 * The composition root: typed configuration in, everything that the server is made of out, built leaf-first and disposed
 * in reverse. Nothing else in the server opens a connection.
 */

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { listLiveAccessTokenIds } from '../shared/node/db/access-tokens-repository.ts';
import { createDatabase } from '../shared/node/db/database.ts';
import { readWatchObservation } from '../shared/node/db/leases-repository.ts';
import { toProject } from '../shared/node/db/project-record.ts';
import {
  findOwnedProject,
  findProjects,
  listUnarchivedProjects,
  listVersions,
} from '../shared/node/db/projects-repository.ts';
import { listLiveSessionIds, recordSessionUse } from '../shared/node/db/sessions-repository.ts';
import type { Log } from '../shared/node/log.ts';
import { createProjectQueue } from '../shared/node/project-queue.ts';
import { createRedis } from '../shared/node/redis.ts';
import { createStatusPublisher, followStatusStream } from '../shared/node/status-stream.ts';
import { createCookieJar } from './auth/cookies.ts';
import { createIdentify } from './auth/identity.ts';
import { createIssuerTokens } from './auth/issuer-tokens.ts';
import { createIssuer } from './auth/issuer.ts';
import { createLoginCookie } from './auth/login-cookie.ts';
import type { AuthRoutesDeps } from './auth/routes.ts';
import { createSessionCookie } from './auth/session-cookie.ts';
import { createSignIn } from './auth/sign-in.ts';
import type { ServerConfig } from './config.ts';
import { every } from './every.ts';
import { createMetrics } from './health/metrics.ts';
import { createReadiness } from './health/readiness.ts';
import { createRateLimits } from './http/rate-limit.ts';
import { ringSize } from './limits.ts';
import { kubernetesNames } from './projects/names.ts';
import { createProjectService } from './projects/service.ts';
import { createStatusHub } from './projects/status-hub.ts';
import { createProjectSubscriptions } from './projects/subscriptions.ts';
import type { Services } from './services.ts';
import { createSessionService } from './sessions/service.ts';
import { createSocketServer, type SocketServer } from './socket/socket-server.ts';
import { createTokenService } from './tokens/service.ts';

export interface ServerTimings {
  /** Between two comparisons of the connected owners with the database; with its own time less than ten seconds. */
  compareIntervalMs: number;
  /** Between two looks whether the sessions and tokens under the open sockets still live. */
  revocationIntervalMs: number;
}

const defaultTimings: ServerTimings = { compareIntervalMs: 8_000, revocationIntervalMs: 30_000 };

export interface ServerContextOptions {
  log: Log;
  /** Origin that browsers see; asked for when it is needed, for with port 0 it is known only after listening. */
  publicOrigin: () => string;
  timings?: Partial<ServerTimings>;
  now?: () => number;
}

export type ServerContext = ReturnType<typeof createServerContext>;

export function createServerContext(config: ServerConfig, options: ServerContextOptions) {
  const { log, publicOrigin, now = Date.now } = options;
  const timings = { ...defaultTimings, ...options.timings };
  const stopping = new AbortController();

  const db = createDatabase(config.databaseUrl, { applicationName: 'opencode-server', log });
  const producer = createRedis(config.redisUrl, { purpose: 'producer', log });
  const streamConnection = createRedis(config.redisUrl, { purpose: 'blocking', log });
  const queue = createProjectQueue({ redis: producer, log });
  const publisher = createStatusPublisher({ redis: producer, log });

  const hub = createStatusHub({
    listVersions: (ownerIds) => listVersions(db, ownerIds),
    findProjects: async (ids) => (await findProjects(db, ids)).map(toProject),
    readWatchObservation: () => readWatchObservation(db),
    now,
    ringSize,
    maxRepairs: 500,
    noResumeAfterRepairMs: 2 * timings.compareIntervalMs,
  });
  const subscriptions = createProjectSubscriptions({
    hub,
    source: {
      listProjects: async (ownerId) => (await listUnarchivedProjects(db, ownerId)).map(toProject),
      findProject: async (key) => {
        const record = await findOwnedProject(db, key);
        return record && toProject(record);
      },
    },
    pause: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
  });

  // Socket server and token service know each other: a revoked token closes sockets, a socket serves procedures.
  let sockets: SocketServer | null = null;
  const services: Services = {
    projects: createProjectService({
      db,
      queue,
      publisher,
      settings: { kubeNamespace: config.kubeNamespace, maxProjects: config.maxProjectsPerUser },
      newId: randomUUID,
      newNames: kubernetesNames,
    }),
    subscriptions,
    tokens: createTokenService({ db, onRevoked: (id) => sockets?.closeCredential({ kind: 'token', id }) }),
    sessions: createSessionService({ db, onRevoked: (id) => sockets?.closeCredential({ kind: 'session', id }) }),
  };

  const jar = createCookieJar(() => publicOrigin().startsWith('https:'));
  const sessionCookie = createSessionCookie({ jar, secret: config.sessionSecret, now });
  const issuer = createIssuer({ settings: config.oidc, now, log });
  const issuerTokens = createIssuerTokens({ issuer, settings: config.oidc, now });
  const identify = createIdentify({ db, sessionCookie, issuerTokens, log });
  const rateLimits = createRateLimits({ perMinute: config.rateLimitPerMinute, now });
  const { trustedProxies } = config;
  const socketServer = createSocketServer({
    identify,
    services,
    publicOrigin,
    rateLimits,
    trustedProxies,
    now,
    log,
  });
  sockets = socketServer;
  const auth: AuthRoutesDeps = {
    db,
    issuer,
    signIn: createSignIn({ issuer, log }),
    loginCookie: createLoginCookie({ jar, secret: config.sessionSecret, now }),
    sessionCookie,
    clientId: config.oidc.clientId,
    publicOrigin,
    onSignedOut: (id) => socketServer.closeCredential({ kind: 'session', id }),
    log,
  };

  const readiness = createReadiness({
    db,
    redis: producer,
    freshness: hub.freshness,
    isStopping: () => stopping.signal.aborted,
  });
  const metrics = createMetrics({
    subscriptionCount: hub.subscriberCount,
    socketCount: socketServer.socketCount,
    lastHeartbeatAgeSeconds: hub.heartbeatAgeSeconds,
  });

  /** Sign-out on another server is found here: one query for each kind, whatever the number of sockets. */
  async function closeRevoked(): Promise<void> {
    const open = socketServer.openCredentials();
    for (const [kind, listLive] of [
      ['session', listLiveSessionIds],
      ['token', listLiveAccessTokenIds],
    ] as const) {
      const ids = [...new Set(open.filter((credential) => credential.kind === kind).map(({ id }) => id))];
      if (ids.length === 0) continue;
      const live = new Set(await listLive(db, ids));
      for (const id of ids) if (!live.has(id)) socketServer.closeCredential({ kind, id });
    }
  }

  /** A window that is open is in use, although it asks for nothing. */
  async function noteOpenSessions(): Promise<void> {
    const open = socketServer.openCredentials().filter(({ kind }) => kind === 'session');
    if (open.length > 0) await recordSessionUse(db, [...new Set(open.map(({ id }) => id))]);
  }

  let loops: Promise<unknown>[] = [];
  return {
    config,
    log,
    db,
    identify,
    services,
    publicOrigin,
    rateLimits,
    auth,
    sockets: socketServer,
    readiness,
    metrics,

    /** Starts the loops: the reader of the status stream, the comparison with the database, the look at sessions. */
    startLoops(): void {
      const { signal } = stopping;
      loops = [
        followStatusStream(streamConnection, hub.reader, { log, signal }),
        every(
          timings.compareIntervalMs,
          { name: 'comparison with the database', signal, log },
          hub.compareWithDatabase,
        ),
        every(1_000, { name: 'freshness', signal, log }, async () => hub.checkFreshness()),
        every(timings.revocationIntervalMs, { name: 'look at open sessions', signal, log }, closeRevoked),
        every(timings.revocationIntervalMs, { name: 'note of open sessions', signal, log }, noteOpenSessions),
      ];
    },

    /** From now on `/readyz` says that the server is stopping. */
    beginStop(): void {
      stopping.abort();
    },

    /** Ends everything, in the reverse order of building. */
    async dispose(): Promise<void> {
      stopping.abort();
      await socketServer.stop(0);
      await Promise.all(loops);
      await queue
        .close()
        .catch((error: unknown) => log.debug({ error: String(error) }, 'the queue did not close cleanly'));
      streamConnection.disconnect();
      producer.disconnect();
      await db.destroy();
    },
  };
}
