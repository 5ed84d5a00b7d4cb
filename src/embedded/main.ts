/**
 * `npm start`: the whole system on one machine at one URL. Every service that no environment variable names is embedded:
 * PostgreSQL and Redis as real servers, an OIDC issuer and a Kubernetes API with its kubelet in this process. Server and
 * worker are the same as in production and do not know that services are embedded. Data stays in DATA_DIR between runs.
 */

import { enableCompileCache } from 'node:module';
import { join, resolve } from 'node:path';
import process from 'node:process';

import { readBrokerConfig } from '../gateway/broker/broker-config.ts';
import { readGatewayConfig } from '../gateway/config.ts';
import { readServerConfig } from '../server/config.ts';
import { ConfigurationError } from '../shared/node/environment.ts';
import { createLog, type Log } from '../shared/node/log.ts';
import { readWorkerConfig } from '../worker/config.ts';
import { buildClientIfStale } from './client-build.ts';
import { loadSecrets, readEmbeddedConfig, type EmbeddedConfig } from './embedded-config.ts';
import { brokerPlace, completeEnvironment, startEmbeddedServices } from './embedded-services.ts';
import { developmentUsers, embeddedIdentityIssuer } from './issuer/development-users.ts';
import { loadParts } from './parts.ts';
import type { RoomMaker } from './room/make-room.ts';
import { announceInstance, withdrawInstance } from './running-instance.ts';
import { allSettled, createShutdown } from './shutdown.ts';
import { startMessage } from './start-message.ts';

const root = resolve(import.meta.dirname, '../..');
/** The documentation promises that Ctrl-C takes at most five seconds. */
const stopTimeoutMs = 4_500;

/** On stop, requests to projects get this long to finish. */
const projectGraceMs = 500;

const print = (line: string) => process.stdout.write(`${line}\n`);
const shutdown = createShutdown();
let stopping = false;
/** Set when everything has started, and unused projects are to be stopped when memory is full. */
let roomMaker: RoomMaker | null = null;

process.on('SIGINT', stop);
process.on('SIGTERM', stop);
if (process.env['npm_lifecycle_event'] === 'start') stopWithNpm();

try {
  await start(readEmbeddedConfig(process.env));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(error instanceof ConfigurationError ? `${message}\n` : `Could not start: ${message}\n`);
  await shutdown.run();
  process.exit(1);
}

/** npm starts this program in a shell, which passes no signal on. When npm and the shell have ended, this program has another parent. */
function stopWithNpm(): void {
  const shell = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    // Ctrl-C reaches all three of them.
    if (!stopping) stop();
  }, 500).unref();
}

async function start(config: EmbeddedConfig): Promise<void> {
  const startedAt = performance.now();
  const { dataDir, env } = config;
  const secrets = loadSecrets(dataDir);
  const publicUrl = env['PUBLIC_URL'] ?? `http://localhost:${Number(env['PORT'] ?? 3080)}`;
  const log = createLog({ name: 'opencode-project-manager', level: env['LOG_LEVEL'] ?? 'warn' });

  // PostgreSQL and Redis start in processes of their own. This process loads the rest of the program meanwhile. From the
  // second start on it does not have to compile it.
  enableCompileCache(join(root, 'node_modules/.cache/compile'));
  const parts = loadParts();
  const [services, clientDir] = await allSettled([
    startEmbeddedServices(config, {
      parts,
      secrets,
      publicUrl,
      log,
      shutdown,
      onMemoryFull: config.stopsUnused ? (projectId) => roomMaker?.request(projectId) : undefined,
    }),
    buildClientIfStale(root),
  ]);
  const complete = completeEnvironment(env, services, secrets);
  const hasEmbeddedIssuer = config.embed.issuer;
  // Without an embedded Kubernetes, pods are on other machines, and HOST and GATEWAY_BROKER_PORT say where they reach the broker.
  const broker = services.kubernetes ? brokerPlace(secrets) : null;
  await startServerAndWorker(complete, { parts: await parts, clientDir, hasEmbeddedIssuer, broker, log });
  if (config.stopsUnused) startRoomMaker(complete, { parts: await parts, log });
  announceInstance(dataDir, { url: publicUrl, databaseUrl: readServerConfig(complete).databaseUrl });
  shutdown.add(() => withdrawInstance(dataDir));

  const seconds = (performance.now() - startedAt) / 1_000;
  const userNames = developmentUsers.map((person) => person.subject);
  // Printed with one write: a test that has read the last line has read all of them.
  const availableMemory = process.availableMemory();
  print(startMessage({ dataDir, publicUrl, seconds, userNames, availableMemory, ...services }));
}

async function startServerAndWorker(
  env: EmbeddedConfig['env'],
  deps: {
    parts: Awaited<ReturnType<typeof loadParts>>;
    clientDir: string;
    hasEmbeddedIssuer: boolean;
    broker: ReturnType<typeof brokerPlace> | null;
    log: Log;
  },
): Promise<void> {
  const { parts, clientDir, hasEmbeddedIssuer, broker, log } = deps;
  const serverConfig = readServerConfig(env);
  if (hasEmbeddedIssuer) serverConfig.oidc.identityIssuer = embeddedIdentityIssuer;
  shutdown.add(await parts.startTracing({ service: 'opencode-project-manager', endpoint: serverConfig.otlpEndpoint }));
  await parts.migrateToLatest(serverConfig.databaseUrl);
  const runningBroker = await parts.startModelBroker({ ...readBrokerConfig(env), ...broker }, { log });
  shutdown.add(() => runningBroker.stop(projectGraceMs));
  // At another address than localhost, projects have origins only when WORKSPACE_DOMAIN names their domain.
  const hasGateway = env['WORKSPACE_DOMAIN'] !== undefined;
  const gatewayContext = hasGateway ? parts.createGatewayContext(readGatewayConfig(env), { log }) : null;
  const hosted = gatewayContext ? { hosted: gatewayContext.gateway } : {};
  const server = parts.startServer(serverConfig, { log, clientDir, ...hosted });
  await server.catch(() => gatewayContext?.stop(0));
  await shutdown.track(server);
  // It stops before the server, which waits for everything that passes.
  if (gatewayContext) shutdown.add(() => gatewayContext.stop(projectGraceMs));
  const workerConfig = readWorkerConfig(env);
  const worker = await shutdown.track(parts.startWorker(workerConfig, { log }));
  // Only on request, so that two instances on one machine do not both use the default port.
  if (env['WORKER_METRICS_PORT'] === undefined) return;
  const { metrics, readiness } = worker;
  shutdown.add((await parts.startHealthServer({ port: workerConfig.metricsPort, metrics, readiness })).close);
}

function startRoomMaker(env: EmbeddedConfig['env'], deps: { parts: Awaited<ReturnType<typeof loadParts>>; log: Log }) {
  const { databaseUrl, redisUrl, accessSecret, previousAccessSecret } = readWorkerConfig(env);
  if (accessSecret === null) return; // `npm start` always has one
  const { parts, log } = deps;
  const created = parts.createRoomMaker({ databaseUrl, redisUrl, accessSecret, previousAccessSecret }, { log });
  roomMaker = created;
  shutdown.add(() => {
    roomMaker = null;
    return created.stop();
  });
}

function stop(): void {
  if (stopping) process.exit(1); // the second signal stops at once
  stopping = true;
  print('\nStopping.');
  setTimeout(() => process.exit(1), stopTimeoutMs).unref();
  shutdown.run().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`Could not stop properly: ${String(error)}\n`);
      process.exit(1);
    },
  );
}
