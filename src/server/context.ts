/**
 * The composition root: builds everything that the server consists of from its configuration. Parts are built after the
 * parts that they use, and disposed in the reverse order. Nothing else in the server opens a connection.
 *
 * Order: database, Redis, live status, sign-in, services, sockets, health. `startLoops` starts the loops last. Everything is built
 * in this one place, hence its length.
 */

import { randomUUID } from 'node:crypto';

import { systemClock, type Clock } from '../shared/clock.ts';
import { createAccessKeys } from '../shared/node/access/credentials.ts';
import { createEntryTokens, entryKey } from '../shared/node/access/tickets.ts';
import { createAnnouncer } from '../shared/node/announcer.ts';
import { pruneAuditEntries } from '../shared/node/db/audit-repository.ts';
import { createDatabaseClock } from '../shared/node/db/database-clock.ts';
import { createDatabase, type Database } from '../shared/node/db/database.ts';
import { pruneDeviceLogins } from '../shared/node/db/device-logins-repository.ts';
import { readWatchObservation } from '../shared/node/db/leases-repository.ts';
import { toPublished } from '../shared/node/db/project-record.ts';
import {
  findPermittedProject,
  findProjects,
  listUnarchivedProjects,
  listVersions,
} from '../shared/node/db/projects-repository.ts';
import { createRestoredData } from '../shared/node/db/restored-data.ts';
import { createLimitedWarn } from '../shared/node/log-limit.ts';
import type { Log } from '../shared/node/log.ts';
import { createKeyEncryption } from '../shared/node/models/key-encryption.ts';
import { pause, runPeriodically } from '../shared/node/periodic.ts';
import { createProjectQueue } from '../shared/node/project-queue.ts';
import { createRedis } from '../shared/node/redis.ts';
import { createRunQueue } from '../shared/node/run-queue.ts';
import { createStatusPublisher, followStatusStream } from '../shared/node/status-stream.ts';
import { createAudit } from './admin/audit.ts';
import { createAdminService } from './admin/service.ts';
import { createCookieJar } from './auth/cookies.ts';
import { createDefaultsService } from './auth/defaults.ts';
import { createIdentify } from './auth/identity.ts';
import { createIssuerTokens } from './auth/issuer-tokens.ts';
import { createIssuer } from './auth/issuer.ts';
import { createLoginCookie } from './auth/login-cookie.ts';
import { createSessionCookie } from './auth/session-cookie.ts';
import { createSignIn } from './auth/sign-in.ts';
import type { ServerConfig } from './config.ts';
import { createConfigReader } from './config/read-config-in-use.ts';
import { createConfigService } from './config/service.ts';
import { createDeviceLoginService, createDeviceService } from './devices/service.ts';
import { createFindOpenPod } from './files/open-pod.ts';
import { createPodRequests } from './files/pod-requests.ts';
import { createFileService } from './files/service.ts';
import { createMetrics } from './health/metrics.ts';
import { createReadiness } from './health/readiness.ts';
import { createRateLimits } from './http/rate-limit.ts';
import { maxRecentEntries, maxRepairsPerComparison, socketsShare } from './limits.ts';
import { createMemberService } from './members/service.ts';
import { createModelService } from './models/service.ts';
import { createProjectEntries } from './projects/entries.ts';
import { createProjectLogs } from './projects/logs.ts';
import { kubernetesNames } from './projects/names.ts';
import { createPodLogQueue } from './projects/pod-log-queue.ts';
import { createProjectPolls } from './projects/polls.ts';
import { createProjectService } from './projects/service.ts';
import { createStatusHub } from './projects/status-hub.ts';
import { createProjectSubscriptions } from './projects/subscriptions.ts';
import { createRunOutput } from './runs/output.ts';
import { createRunService } from './runs/service.ts';
import type { Services } from './services.ts';
import { createSessionService } from './sessions/service.ts';
import { closeRevokedSockets, recordOpenSessions } from './socket/credential-checks.ts';
import { createSocketServer, type SocketServer } from './socket/socket-server.ts';
import { createReviewService } from './tasks/review.ts';
import { createTaskService } from './tasks/service.ts';
import { createTaskSubscriptions } from './tasks/subscriptions.ts';
import { createTaskHub } from './tasks/task-hub.ts';
import { createTokenService } from './tokens/service.ts';

export interface ServerTimings {
  /** Between two comparisons of the connected owners with the database. With its own duration it stays below ten seconds. */
  compareIntervalMs: number;
  /** Between two checks of the sessions and tokens of open sockets. */
  revocationIntervalMs: number;
}

const defaultTimings: ServerTimings = { compareIntervalMs: 8_000, revocationIntervalMs: 30_000 };
const freshnessIntervalMs = 1_000;
const pruneIntervalMs = 300_000;
/** In one statement. */
const maxPruned = 10_000;

interface ServerContextOptions {
  log: Log;
  /** The origin that browsers see. It is a function because with port 0 the origin is known only after listening. */
  publicOrigin: () => string;
  timings?: Partial<ServerTimings>;
  clock?: Clock;
}

export type ServerContext = ReturnType<typeof createServerContext>;

export function createServerContext(config: ServerConfig, options: ServerContextOptions) {
  const { log, publicOrigin, clock = systemClock } = options;
  const parts = { config, log, publicOrigin, clock, timings: { ...defaultTimings, ...options.timings } };
  const disposal = new AsyncDisposableStack();
  const stopping = new AbortController();

  const stores = openStores(parts, disposal);
  const maxSocketsPerUser = Math.max(1, Math.floor(config.rateLimitPerMinute * socketsShare));
  const liveStatus = createLiveStatus({ ...parts, ...stores });
  const polls = createProjectPolls({
    ...liveStatus,
    maxPerUser: maxSocketsPerUser,
    stopping: stopping.signal,
    clock: stores.databaseClock,
  });
  const auth = createAuth({ ...parts, ...stores });
  const rateLimits = createRateLimits({ perMinute: config.rateLimitPerMinute, clock });

  // The services close sockets when a credential is revoked, and the sockets call the services.
  let sockets: SocketServer | null = null;
  const closeCredential: SocketServer['closeCredential'] = (credential) => {
    sockets?.closeCredential(credential);
    polls.endCredential(credential);
  };
  const services = createServices({ ...parts, ...stores, ...liveStatus, polls, closeCredential });
  const { identify } = auth;
  const { trustedProxies } = config;
  const socketServer = createSocketServer({
    identify,
    services,
    publicOrigin,
    rateLimits,
    trustedProxies,
    maxSocketsPerUser,
    clock: stores.databaseClock,
    log,
  });
  sockets = socketServer;

  const readiness = createReadiness({
    db: stores.db,
    redis: stores.producer,
    freshness: liveStatus.hub.freshness,
    isStopping: () => stopping.signal.aborted,
  });
  const metrics = createMetrics({
    subscriptionCount: liveStatus.hub.subscriberCount,
    socketCount: socketServer.socketCount,
    lastHeartbeatAgeSeconds: liveStatus.hub.heartbeatAgeSeconds,
  });

  return {
    config,
    log,
    db: stores.db,
    redis: stores.producer,
    findOpenPod: stores.findOpenPod,
    podRequests: stores.podRequests,
    identify,
    services,
    publicOrigin,
    rateLimits,
    auth: { ...auth, audit: services.audit, onSignedOut: (id: string) => closeCredential({ kind: 'session', id }) },
    sockets: socketServer,
    readiness,
    metrics,

    /** Reads the database for the first time. Call it before anybody is served. */
    async readDatabase(): Promise<void> {
      await Promise.all([liveStatus.hub.checkRestored(), stores.databaseClock.measure()]);
    },

    /** Starts the readers of Redis and the periodic checks. */
    startLoops(): void {
      const loops = startLoops({ ...parts, ...stores, ...liveStatus, sockets: socketServer, signal: stopping.signal });
      disposal.defer(() => loops);
    },

    /** From now on `/readyz` says that the server is stopping, and the loops end. */
    beginStop(): void {
      stopping.abort();
    },

    /** Ends everything, in the reverse order of building. */
    async dispose(): Promise<void> {
      stopping.abort();
      await socketServer.stop(0);
      await disposal.disposeAsync();
    },
  };
}

interface Parts {
  config: ServerConfig;
  log: Log;
  publicOrigin: () => string;
  clock: Clock;
  timings: ServerTimings;
}

type Stores = ReturnType<typeof openStores>;
type LiveStatus = ReturnType<typeof createLiveStatus>;

/** PostgreSQL, Redis and the queues. Connections are opened when they are first used. */
function openStores({ config, log, clock }: Parts, disposal: AsyncDisposableStack) {
  const db = createDatabase(config.databaseUrl, { applicationName: 'opencode-server', log });
  disposal.defer(() => db.destroy());
  const restoredData = createRestoredData({ db, log });
  const databaseClock = createDatabaseClock({ db, clock, log });
  const producer = createRedis(config.redisUrl, { purpose: 'producer', log });
  disposal.defer(() => producer.disconnect());
  const streamConnection = createRedis(config.redisUrl, { purpose: 'blocking', log });
  disposal.defer(() => streamConnection.disconnect());
  const queue = createProjectQueue({ redis: producer, log });
  disposal.defer(() =>
    queue.close().catch((error: unknown) => log.debug({ error: String(error) }, 'the queue did not close cleanly')),
  );
  const replyConnection = createRedis(config.redisUrl, { purpose: 'blocking', log });
  disposal.defer(() => replyConnection.disconnect());
  const podLogs = createPodLogQueue({ redis: producer, replies: replyConnection, log });
  disposal.defer(() => podLogs.close());
  const runQueue = createRunQueue({ redis: producer, log });
  disposal.defer(() => runQueue.close());
  return {
    db,
    restoredData,
    databaseClock,
    producer,
    streamConnection,
    queue,
    podLogs,
    runQueue,
    ...openPods({ config, db }, disposal),
  };
}

/** The way to the pods of projects. */
function openPods({ config, db }: { config: ServerConfig; db: Database }, disposal: AsyncDisposableStack) {
  const { accessSecret: secret, accessSecretPrevious: previousSecret } = config;
  const keys = secret === null ? null : createAccessKeys({ secret, previousSecret });
  const podRequests = createPodRequests();
  disposal.defer(() => podRequests.close());
  const configReader = createConfigReader({ requests: podRequests, keys });
  return { findOpenPod: createFindOpenPod({ db, keys }), podRequests, configReader };
}

function createLiveStatus({ db, restoredData, clock, timings }: Parts & Stores) {
  const taskHub = createTaskHub();
  let restores: number | null = null;
  async function countRestores(): Promise<number> {
    const before = restores;
    restores = await restoredData.check();
    if (before !== null && restores !== before) taskHub.wakeAll();
    return restores;
  }
  const hub = createStatusHub({
    onTasks: taskHub.onTasks,
    listVersions: (userIds) => listVersions(db, userIds),
    findProjects: async (ids) => (await findProjects(db, ids)).map(toPublished),
    readWatchObservation: () => readWatchObservation(db),
    countRestores,
    onVersionsFell: () => restoredData.assume('rows are older than what was shown'),
    clock,
    maxRecentEntries,
    maxRepairs: maxRepairsPerComparison,
    noResumeAfterLossMs: 2 * timings.compareIntervalMs,
  });
  const subscriptions = createProjectSubscriptions({
    hub,
    source: createProjectSource(db),
    pause,
    random: Math.random,
  });
  return { hub, subscriptions, taskHub };
}

function createProjectSource(db: Database) {
  return {
    listProjects: async (userId: string) => (await listUnarchivedProjects(db, userId)).map(toPublished),
    findProject: async (key: { id: string; userId: string }) => {
      const record = await findPermittedProject(db, { ...key, right: 'read' });
      return record && toPublished(record);
    },
  };
}

function createAuth({ config, log, publicOrigin, clock, databaseClock, db }: Parts & Stores) {
  const secret = config.sessionSecret;
  const jar = createCookieJar(() => publicOrigin().startsWith('https:'));
  const sessionCookie = createSessionCookie({ jar, secret, clock: databaseClock });
  const loginCookie = createLoginCookie({ jar, secret, clock: databaseClock });
  const issuer = createIssuer({ settings: config.oidc, clock, log });
  const issuerTokens = createIssuerTokens({ issuer, settings: config.oidc, clock, sharedClock: databaseClock });
  const { identityIssuer } = config.oidc;
  const identify = createIdentify({ db, sessionCookie, issuerTokens, identityIssuer, log });
  const signIn = createSignIn({ issuer, identityIssuer, adminGroup: config.administrators.group, log });
  return {
    db,
    issuer,
    signIn,
    loginCookie,
    sessionCookie,
    identify,
    clientId: config.oidc.clientId,
    publicOrigin,
    log,
  };
}

function createServices(
  deps: Parts & Stores & LiveStatus & Pick<Services, 'polls'> & { closeCredential: SocketServer['closeCredential'] },
): Services {
  const {
    config,
    log,
    publicOrigin,
    clock,
    db,
    restoredData,
    databaseClock,
    producer,
    queue,
    podLogs,
    subscriptions,
    polls,
    findOpenPod,
    podRequests,
    configReader,
    runQueue,
    taskHub,
    closeCredential,
  } = deps;
  const publisher = createStatusPublisher({ redis: producer, log });
  const announcer = createAnnouncer({ queue, publisher });
  return {
    restoredData,
    projects: createProjectService({
      db,
      restoredData,
      announcer,
      settings: {
        kubeNamespace: config.kubeNamespace,
        maxProjects: config.maxProjectsPerUser,
        idleStopDefault: config.idleStopDefault,
        trashDays: config.trashDays,
      },
      sizeRules: config.sizeRules,
      newId: randomUUID,
      newNames: kubernetesNames,
      entries: createProjectEntries({
        tokens: createEntryTokens({ key: entryKey(config.sessionSecret), clock: databaseClock }),
        settings: { workspaceDomain: config.workspaceDomain, hasAccessSecret: config.accessSecret !== null },
        publicOrigin,
        clock: databaseClock,
      }),
      clock,
    }),
    subscriptions,
    polls,
    logs: createProjectLogs({ db, readLog: podLogs.read, pause }),
    files: createFileService({ findOpenPod, requests: podRequests, pause }),
    config: createConfigService({ db, announcer, reader: configReader }),
    tasks: createTaskService({ db, publisher, newId: randomUUID }),
    review: createReviewService({ db, findOpenPod, publisher }),
    taskSubscriptions: createTaskSubscriptions({ db, hub: taskHub, pause }),
    runs: createRunService({ db, queue: runQueue, publisher, newId: randomUUID }),
    runOutput: createRunOutput({ db, redis: producer, pause, clock }),
    members: createMemberService({ db, announcer, publisher, identityIssuer: config.oidc.identityIssuer }),
    models: createModelService({
      db,
      encryption: config.keyEncryption === null ? null : createKeyEncryption(config.keyEncryption),
    }),
    admin: createAdminService({
      db,
      restoredData,
      announcer,
      administrators: config.administrators,
      onRevoked: closeCredential,
      clock,
    }),
    audit: createAudit({ db, log }),
    defaults: createDefaultsService({ db, sizeRules: config.sizeRules }),
    tokens: createTokenService({ db, onRevoked: (id) => closeCredential({ kind: 'token', id }) }),
    deviceLogins: createDeviceLoginService({ db, publicOrigin, clock: databaseClock }),
    devices: createDeviceService({ db, clock: databaseClock }),
    sessions: createSessionService({ db, onRevoked: (id) => closeCredential({ kind: 'session', id }) }),
  };
}

/** Resolves when every loop has ended, which happens after `signal` aborts. */
async function startLoops(
  deps: Parts & Stores & LiveStatus & { sockets: SocketServer; signal: AbortSignal },
): Promise<void> {
  const { config, log, timings, db, databaseClock, streamConnection, podLogs, hub, sockets, signal } = deps;
  const warn = createLimitedWarn(log);
  const repeat = (name: string, intervalMs: number, task: () => Promise<void>) =>
    runPeriodically(
      {
        task,
        intervalMs,
        onError: (error) => warn(name, { error: String(error) }, `${name} failed; trying again`),
      },
      signal,
    );
  await Promise.all([
    followStatusStream(streamConnection, hub.reader, { log, signal }),
    podLogs.receiveReplies(signal),
    databaseClock.follow(signal),
    repeat('the deletion of old entries of the audit log', pruneIntervalMs, async () => {
      await pruneAuditEntries(db, { days: config.auditDays, limit: maxPruned });
    }),
    repeat('the comparison with the database', timings.compareIntervalMs, hub.compareWithDatabase),
    repeat('the check of the freshness', freshnessIntervalMs, async () => hub.checkFreshness()),
    repeat('the check of open sessions', timings.revocationIntervalMs, () => closeRevokedSockets({ db, sockets })),
    repeat('the deletion of expired logins of computers', pruneIntervalMs, () =>
      pruneDeviceLogins(db, { now: new Date(databaseClock.now()) }),
    ),
    repeat('recording open sessions', timings.revocationIntervalMs, () => recordOpenSessions({ db, sockets })),
  ]);
}
