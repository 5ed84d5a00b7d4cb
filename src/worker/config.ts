/** The worker's configuration: from environment variables alone, checked at start. */
import { z } from 'zod';

import { commonVariables, integerVariable, readEnvironment } from '../shared/node/environment.ts';
import type { PodSettings } from './kube/manifests.ts';

export interface WorkerConfig {
  databaseUrl: string;
  redisUrl: string;
  /** `null`: the configuration that Kubernetes gives to a pod. */
  kubeconfigPath: string | null;
  namespace: string;
  /** What is the same for every pod and comes from the environment. */
  pod: Omit<PodSettings, 'installationId'>;
  concurrency: number;
  /** Lines of a project's timeline are kept for so many days. */
  activityRetentionDays: number;
  /** Of `/livez`, `/readyz` and `/metrics`. */
  metricsPort: number;
  logLevel: string;
}

const quantity = (name: string) =>
  z
    .string()
    .regex(
      /^\d+(\.\d+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/,
      `${name} must be a Kubernetes quantity such as 500m, 256Mi or 1Gi.`,
    );
const image = z.string().max(500).regex(/^\S+$/, 'must be the name of an image, without spaces.');
const objectName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'must be the name of a Kubernetes object.');

const variables = z.object({
  ...commonVariables,
  KUBECONFIG: z.string().optional(),
  OPENCODE_IMAGE: image.default('opencode-project-manager/opencode:0.1.0'),
  FILE_BROWSER_IMAGE: image.default('opencode-project-manager/sidecars:0.1.0'),
  SESSION_PROXY_IMAGE: image.default('opencode-project-manager/sidecars:0.1.0'),
  IMAGE_PULL_POLICY: z
    .enum(['Always', 'IfNotPresent', 'Never'], { error: 'must be Always, IfNotPresent or Never.' })
    .default('IfNotPresent'),
  IMAGE_PULL_SECRETS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    )
    .pipe(z.array(objectName)),
  OPENCODE_CPU_LIMIT: quantity('OPENCODE_CPU_LIMIT').default('1'),
  OPENCODE_MEMORY_LIMIT: quantity('OPENCODE_MEMORY_LIMIT').default('1Gi'),
  OPENCODE_CPU_REQUEST: quantity('OPENCODE_CPU_REQUEST').default('100m'),
  OPENCODE_MEMORY_REQUEST: quantity('OPENCODE_MEMORY_REQUEST').default('256Mi'),
  OPENCODE_CONFIG_MAP: objectName.optional(),
  WORKSPACE_SIZE: quantity('WORKSPACE_SIZE').default('1Gi'),
  WORKSPACE_STORAGE_CLASS: objectName.optional(),
  WORKER_CONCURRENCY: integerVariable('WORKER_CONCURRENCY', { min: 1, max: 200, fallback: 20 }),
  ACTIVITY_RETENTION_DAYS: integerVariable('ACTIVITY_RETENTION_DAYS', { min: 1, max: 36_500, fallback: 90 }),
  WORKER_METRICS_PORT: integerVariable('WORKER_METRICS_PORT', { min: 0, max: 65_535, fallback: 3081 }),
});

/** @throws ConfigurationError listing every wrong variable */
export function readWorkerConfig(env: Record<string, string | undefined>): WorkerConfig {
  const read = readEnvironment(variables, env);
  return {
    databaseUrl: read.DATABASE_URL,
    redisUrl: read.REDIS_URL,
    kubeconfigPath: read.KUBECONFIG ?? null,
    namespace: read.KUBE_NAMESPACE,
    concurrency: read.WORKER_CONCURRENCY,
    activityRetentionDays: read.ACTIVITY_RETENTION_DAYS,
    metricsPort: read.WORKER_METRICS_PORT,
    logLevel: read.LOG_LEVEL,
    pod: {
      openCodeImage: read.OPENCODE_IMAGE,
      fileBrowserImage: read.FILE_BROWSER_IMAGE,
      sessionProxyImage: read.SESSION_PROXY_IMAGE,
      imagePullPolicy: read.IMAGE_PULL_POLICY,
      imagePullSecrets: read.IMAGE_PULL_SECRETS,
      openCodeResources: {
        limits: { cpu: read.OPENCODE_CPU_LIMIT, memory: read.OPENCODE_MEMORY_LIMIT },
        requests: { cpu: read.OPENCODE_CPU_REQUEST, memory: read.OPENCODE_MEMORY_REQUEST },
      },
      workspaceSize: read.WORKSPACE_SIZE,
      workspaceStorageClass: read.WORKSPACE_STORAGE_CLASS ?? null,
      openCodeConfigMap: read.OPENCODE_CONFIG_MAP ?? null,
    },
  };
}
