/** The worker's configuration: from environment variables alone, checked at start. */

import { z } from 'zod';

import { commonVariables, integerVariable, readEnvironment } from '../shared/node/environment.ts';
import type { PodSettings } from './pods/kube/manifests.ts';

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
  /** Base URL of the OpenTelemetry collector; `null`: no traces. */
  otlpEndpoint: string | null;
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

/** Every variable that `npm run worker` reads, and its shape. */
export const workerVariables = z.object({
  ...commonVariables,
  KUBECONFIG: z
    .string()
    .optional()
    .describe('The file that names the cluster; in a cluster, where it is not set, the service account of the pod.'),
  OPENCODE_IMAGE: image
    .default('opencode-project-manager/opencode:0.1.0')
    .describe('The image of the container opencode-server, and of the one that clones.'),
  FILE_BROWSER_IMAGE: image
    .default('opencode-project-manager/sidecars:0.1.0')
    .describe('The image of the container file-browser.'),
  SESSION_PROXY_IMAGE: image
    .default('opencode-project-manager/sidecars:0.1.0')
    .describe('The image of the container session-proxy.'),
  IMAGE_PULL_POLICY: z
    .enum(['Always', 'IfNotPresent', 'Never'], { error: 'must be Always, IfNotPresent or Never.' })
    .default('IfNotPresent')
    .describe('When the kubelet pulls them: `Always`, `IfNotPresent` or `Never`.'),
  IMAGE_PULL_SECRETS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    )
    .pipe(z.array(objectName))
    .describe('Names of Secrets with which images are pulled, separated by commas.'),
  OPENCODE_CPU_LIMIT: quantity('OPENCODE_CPU_LIMIT').default('1').describe('CPU that OpenCode may use.'),
  OPENCODE_MEMORY_LIMIT: quantity('OPENCODE_MEMORY_LIMIT')
    .default('1Gi')
    .describe('Memory at which OpenCode is stopped and started again.'),
  OPENCODE_CPU_REQUEST: quantity('OPENCODE_CPU_REQUEST')
    .default('100m')
    .describe('CPU that a node must have free for OpenCode.'),
  OPENCODE_MEMORY_REQUEST: quantity('OPENCODE_MEMORY_REQUEST')
    .default('256Mi')
    .describe('Memory that a node must have free for OpenCode.'),
  OPENCODE_CONFIG_MAP: objectName
    .optional()
    .describe("A ConfigMap with the key `opencode.json`, mounted as OpenCode's configuration."),
  WORKSPACE_SIZE: quantity('WORKSPACE_SIZE').default('1Gi').describe('The size of a new volume.'),
  WORKSPACE_STORAGE_CLASS: objectName
    .optional()
    .describe("The class of a new volume; the cluster's default where it is not set."),
  WORKER_CONCURRENCY: integerVariable('WORKER_CONCURRENCY', { min: 1, max: 200, fallback: 20 }).describe(
    'How many projects are worked on at once.',
  ),
  ACTIVITY_RETENTION_DAYS: integerVariable('ACTIVITY_RETENTION_DAYS', { min: 1, max: 36_500, fallback: 90 }).describe(
    'How many days the lines of timelines are kept.',
  ),
  WORKER_METRICS_PORT: integerVariable('WORKER_METRICS_PORT', { min: 0, max: 65_535, fallback: 3081 }).describe(
    'The port of `/livez`, `/readyz` and `/metrics`. `npm start`: none unless it is set.',
  ),
});

/** @throws ConfigurationError listing every wrong variable */
export function readWorkerConfig(env: Record<string, string | undefined>): WorkerConfig {
  const read = readEnvironment(workerVariables, env);
  return {
    databaseUrl: read.DATABASE_URL,
    redisUrl: read.REDIS_URL,
    kubeconfigPath: read.KUBECONFIG ?? null,
    namespace: read.KUBE_NAMESPACE,
    concurrency: read.WORKER_CONCURRENCY,
    activityRetentionDays: read.ACTIVITY_RETENTION_DAYS,
    metricsPort: read.WORKER_METRICS_PORT,
    logLevel: read.LOG_LEVEL,
    otlpEndpoint: read.OTEL_EXPORTER_OTLP_ENDPOINT ?? null,
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
