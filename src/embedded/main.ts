/**
 * `npm start`: the whole system on one machine at one URL. Every service that no environment variable names is embedded:
 * PostgreSQL and Redis as real servers, an OIDC issuer and a Kubernetes API with its kubelet in this process. Server and
 * worker are the ordinary ones and know nothing of this. Data stays in DATA_DIR between runs.
 */

import { enableCompileCache } from 'node:module';
import { join, resolve } from 'node:path';
import process from 'node:process';

import { readServerConfig } from '../server/config.ts';
import { ConfigurationError } from '../shared/node/environment.ts';
import { createLog } from '../shared/node/log.ts';
import { readWorkerConfig } from '../worker/config.ts';
import { buildClientIfStale } from './client-build.ts';
import { embeddedClientId, loadSecrets, readEmbeddedConfig, type EmbeddedConfig } from './embedded-config.ts';
import { developmentUsers } from './issuer/development-users.ts';
import { loadParts } from './parts.ts';
import { createEmbeddedPostgres } from './postgres/postgres.ts';
import { createEmbeddedRedis } from './redis/redis.ts';
import { announceInstance, withdrawInstance } from './running-instance.ts';

const root = resolve(import.meta.dirname, '../..');
/** Ctrl-C is promised to take no longer than five seconds. */
const stopWithinMs = 4_500;

const say = (line: string) => process.stdout.write(`${line}\n`);
const undo: (() => Promise<void> | void)[] = [];
let stopping = false;

process.on('SIGINT', stop);
process.on('SIGTERM', stop);

try {
  await start(readEmbeddedConfig(process.env));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(error instanceof ConfigurationError ? `${message}\n` : `Could not start: ${message}\n`);
  await undoAll();
  process.exit(1);
}

async function start({ dataDir, embed, env }: EmbeddedConfig): Promise<void> {
  const startedAt = performance.now();
  const secrets = loadSecrets(dataDir);
  const port = Number(env['PORT'] ?? 3080);
  const publicUrl = env['PUBLIC_URL'] ?? `http://localhost:${port}`;
  const log = createLog({ name: 'opencode-project-manager', level: env['LOG_LEVEL'] ?? 'warn' });
  const serviceLog = { info: (line: string) => log.info(line), warn: (line: string) => log.warn(line) };

  // PostgreSQL and Redis come up in processes of their own: the greater part of the program is loaded meanwhile, and from the
  // second start on without being compiled.
  enableCompileCache(join(root, 'node_modules/.cache/compile'));
  const loading = loadParts();
  const [postgres, redis, kubernetes, issuer, clientDir] = await allOrUndo([
    embed.postgres ? stoppable(createEmbeddedPostgres({ dataDir, log: serviceLog })) : null,
    embed.redis ? stoppable(createEmbeddedRedis({ dataDir, log: serviceLog })) : null,
    embed.kubernetes
      ? stoppable(
          loading.then(({ createEmbeddedKubernetes }) =>
            createEmbeddedKubernetes({ dataDir, log: serviceLog.info, namespace: env['KUBE_NAMESPACE'] ?? 'opencode' }),
          ),
        )
      : null,
    embed.issuer
      ? stoppable(
          loading.then(({ createEmbeddedIssuer }) =>
            createEmbeddedIssuer({
              dataDir,
              log: serviceLog,
              audience: env['OIDC_AUDIENCE'] ?? embeddedClientId,
              clients: [
                {
                  clientId: embeddedClientId,
                  clientSecret: secrets.clientSecret,
                  redirectUris: [`${publicUrl}/auth/callback`],
                  postLogoutRedirectUris: [publicUrl],
                },
              ],
            }),
          ),
        )
      : null,
    buildClientIfStale(root),
  ]);
  const complete = {
    SESSION_SECRET: secrets.sessionSecret,
    ...env,
    ...(postgres ? { DATABASE_URL: postgres.url } : {}),
    ...(redis ? { REDIS_URL: redis.url } : {}),
    ...(kubernetes ? { KUBECONFIG: kubernetes.kubeconfigPath } : {}),
    ...(issuer ? { OIDC_ISSUER: issuer.url, OIDC_CLIENT_SECRET: secrets.clientSecret } : {}),
  };
  const serverConfig = readServerConfig(complete);
  const { migrateToLatest, startHealthServer, startServer, startTracing, startWorker } = await loading;
  undo.push(await startTracing({ service: 'opencode-project-manager', endpoint: serverConfig.otlpEndpoint }));
  await migrateToLatest(serverConfig.databaseUrl);
  const server = await startServer(serverConfig, { log, clientDir });
  undo.push(() => server.stop());
  const workerConfig = readWorkerConfig(complete);
  const worker = await startWorker(workerConfig, { log });
  undo.push(() => worker.stop());
  if (env['WORKER_METRICS_PORT'] !== undefined) {
    // Only when asked for: two instances side by side must not quarrel about the default port.
    const { metrics, readiness } = worker;
    undo.push((await startHealthServer({ port: workerConfig.metricsPort, metrics, readiness })).close);
  }
  announceInstance(dataDir, { url: publicUrl, databaseUrl: serverConfig.databaseUrl });
  undo.push(() => withdrawInstance(dataDir));

  const names = developmentUsers.map((person) => person.subject).join(', ');
  // One write: whoever waits for the last line has all of them.
  say(
    [
      '',
      'OpenCode Project Manager',
      `  PostgreSQL  ${postgres ? `embedded (${postgres.version})` : 'the one that DATABASE_URL names'}`,
      `  Redis       ${redis ? `embedded (${redis.source})` : 'the one that REDIS_URL names'}`,
      `  Kubernetes  ${kubernetes ? 'embedded (pods are simulated)' : 'the one that KUBECONFIG names'}`,
      `  Sign-in     ${issuer ? `embedded issuer at ${issuer.url}` : 'the issuer that OIDC_ISSUER names'}`,
      `  Data        ${dataDir}`,
      ...(kubernetes ? [`  kubectl     export KUBECONFIG=${join(dataDir, 'kubeconfig')}`] : []),
      '',
      `Ready after ${((performance.now() - startedAt) / 1_000).toFixed(1)} s at ${publicUrl}`,
      ...(issuer ? [`Sign in there as one of ${names}; the password is the name. Stop with Ctrl-C.`] : []),
    ].join('\n'),
  );
}

async function stoppable<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const started = await starting;
  undo.push(() => started.stop());
  return started;
}

/** Waits for all, so that when one fails those that did start can be stopped. */
async function allOrUndo<T extends unknown[]>(tasks: { [K in keyof T]: Promise<T[K]> | T[K] }): Promise<T> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}

function stop(): void {
  if (stopping) process.exit(1); // asked twice: at once
  stopping = true;
  say('\nStopping.');
  setTimeout(() => process.exit(1), stopWithinMs).unref();
  undoAll().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`Could not stop in order: ${String(error)}\n`);
      process.exit(1);
    },
  );
}

/** Server and worker first, together; then what they stand on, together. */
async function undoAll(): Promise<void> {
  const steps = undo.splice(0).toReversed();
  for (const step of steps) await step();
}
