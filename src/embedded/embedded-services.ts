/** Starts the services that no environment variable names: PostgreSQL, Redis, Kubernetes and the OIDC issuer. */

import process from 'node:process';

import { deriveKey } from '../shared/node/derive-key.ts';
import type { Log } from '../shared/node/log.ts';
import { embeddedClientId, type EmbeddedConfig, type EmbeddedSecrets } from './embedded-config.ts';
import type { EmbeddedLog } from './embedded-log.ts';
import { detectRuntime, type DetectedRuntime } from './kubernetes/kubelet/runtime/process/detect-runtime.ts';
import type { loadParts } from './parts.ts';
import { createEmbeddedPostgres } from './postgres/postgres.ts';
import { createEmbeddedRedis } from './redis/redis.ts';
import { allSettled, type Shutdown } from './shutdown.ts';

type EmbeddedServices = Awaited<ReturnType<typeof startEmbeddedServices>>;

/** Starts them at the same time. A service that is not embedded is null. */
export async function startEmbeddedServices(
  config: EmbeddedConfig,
  deps: {
    parts: ReturnType<typeof loadParts>;
    secrets: EmbeddedSecrets;
    publicUrl: string;
    log: Log;
    shutdown: Shutdown;
    /** Called every two seconds while a project waits for the memory of others. */
    onMemoryFull: ((projectId: string) => void) | undefined;
  },
) {
  const { dataDir, embed, env, openCodeEnv } = config;
  const { parts, secrets, publicUrl, shutdown, onMemoryFull } = deps;
  const log = { info: (line: string) => deps.log.info(line), warn: (line: string) => deps.log.warn(line) };
  const client = {
    clientId: embeddedClientId,
    clientSecret: secrets.clientSecret,
    redirectUris: [`${publicUrl}/auth/callback`],
    postLogoutRedirectUris: [publicUrl],
  };
  const startKubernetes = async () => {
    const [{ createEmbeddedKubernetes }, runtime] = await Promise.all([parts, findRuntime(config, log)]);
    const cluster = await createEmbeddedKubernetes({
      dataDir,
      log: log.info,
      namespace: env['KUBE_NAMESPACE'] ?? 'opencode',
      runtime: runtime.kind === 'simulated' ? undefined : { launcher: runtime.launcher, openCodeEnv },
      kubeletOptions: {
        onMemoryFull:
          onMemoryFull &&
          (({ metadata: { labels } }) => {
            if (labels?.['project-id'] !== undefined) onMemoryFull(labels['project-id']);
          }),
      },
    });
    return { ...cluster, runtime };
  };
  const startIssuer = async () => {
    const { createEmbeddedIssuer } = await parts;
    const audience = env['OIDC_AUDIENCE'] ?? embeddedClientId;
    return await createEmbeddedIssuer({ dataDir, log, audience, clients: [client] });
  };
  const [postgres, redis, kubernetes, issuer] = await allSettled([
    embed.postgres ? shutdown.track(createEmbeddedPostgres({ dataDir, log })) : null,
    embed.redis ? shutdown.track(createEmbeddedRedis({ dataDir, log })) : null,
    embed.kubernetes ? shutdown.track(startKubernetes()) : null,
    embed.issuer ? shutdown.track(startIssuer()) : null,
  ]);
  return { postgres, redis, kubernetes, issuer };
}

async function findRuntime({ runtime, dataDir, env }: EmbeddedConfig, log: EmbeddedLog): Promise<DetectedRuntime> {
  return await detectRuntime({ requested: runtime, dataDir, searchPath: env['PATH'] ?? '', log });
}

const brokerPort = 3083;

/**
 * Where the model broker listens. Pods keep the address from start to start, and two instances on one machine must not take the same
 * one: on Linux each has a loopback address of its own. Elsewhere pods are simulated and call nobody, so any address does.
 */
export function brokerPlace({ accessSecret }: EmbeddedSecrets): { host: string; port: number; url: string } {
  if (process.platform !== 'linux') return { host: '127.0.0.1', port: 0, url: `http://127.0.0.1:${brokerPort}` };
  const [second = 0, third = 0] = deriveKey(accessSecret, 'model-broker-address');
  // Pods have addresses from 127.64.0.0 on.
  const host = `127.63.${second}.${1 + (third % 254)}`;
  return { host, port: brokerPort, url: `http://${host}:${brokerPort}` };
}

/** The environment of server and worker: the given one, completed with the addresses of the embedded services. */
export function completeEnvironment(
  env: EmbeddedConfig['env'],
  services: EmbeddedServices,
  secrets: EmbeddedSecrets,
): EmbeddedConfig['env'] {
  const { postgres, redis, kubernetes, issuer } = services;
  return {
    SESSION_SECRET: secrets.sessionSecret,
    ACCESS_SECRET: secrets.accessSecret,
    KEY_ENCRYPTION_SECRET: secrets.keyEncryptionSecret,
    ...(kubernetes ? { MODEL_BROKER_URL: brokerPlace(secrets).url } : {}),
    ...env,
    ...(postgres ? { DATABASE_URL: postgres.url } : {}),
    ...(redis ? { REDIS_URL: redis.url } : {}),
    ...(kubernetes ? { KUBECONFIG: kubernetes.kubeconfigPath } : {}),
    ...(issuer ? { OIDC_ISSUER: issuer.url, OIDC_CLIENT_SECRET: secrets.clientSecret } : {}),
  };
}
