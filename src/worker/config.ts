/** The configuration of the worker. It comes only from environment variables, which are checked at start. */

import { z } from 'zod';

import type { InstallationIdleStop } from '../shared/contract/idle-stop.ts';
import { accessVariables } from '../shared/node/access/access-variables.ts';
import {
  commonVariables,
  crossCheck,
  idleStopVariable,
  trashDaysVariable,
  integerVariable,
  readEnvironment,
  sizesCheck,
} from '../shared/node/environment.ts';
import { serviceUrl } from '../shared/node/service-url.ts';
import { bytesQuantity, cpuQuantity } from '../shared/node/sizes/quantities.ts';
import { toSizeRules, type SizeRules } from '../shared/node/sizes/size-rules.ts';
import { bytesOf, coresOf } from '../shared/quantity.ts';
import type { PodSettings } from './pods/kube/manifests.ts';
import { podTemplateVariable } from './pods/kube/pod-template.ts';

export interface WorkerConfig {
  databaseUrl: string;
  redisUrl: string;
  /** `null`: the service account that Kubernetes mounts into a pod. */
  kubeconfigPath: string | null;
  namespace: string;
  /** The settings that are the same for every pod. */
  pod: Omit<PodSettings, 'installationId' | 'accessKeyId'>;
  /** `null`: pods run, and nobody can open them. */
  accessSecret: string | null;
  /** The access secret before the last rotation, with which older pods were created. */
  previousAccessSecret: string | null;
  concurrency: number;
  /** Timeline entries are kept for this many days. */
  activityRetentionDays: number;
  /** When unused projects without a choice of their own are stopped. */
  idleStopDefault: InstallationIdleStop;
  /** 0: there is no trash. */
  trashDays: number;
  /** What one person may use at the same time. */
  sizeRules: SizeRules;
  /** The port of `/livez`, `/readyz` and `/metrics`. */
  metricsPort: number;
  logLevel: string;
  /** The base URL of the OpenTelemetry collector; `null`: no traces. */
  otlpEndpoint: string | null;
}

const image = z.string().max(500).regex(/^\S+$/, 'must be the name of an image, without spaces.');
const objectName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'must be the name of a Kubernetes object.');

interface Amounts {
  OPENCODE_CPU_LIMIT: string;
  OPENCODE_CPU_REQUEST: string;
  OPENCODE_MEMORY_LIMIT: string;
  OPENCODE_MEMORY_REQUEST: string;
}

/** Kubernetes refuses every pod whose limit is below its request. */
const limitsCheck = crossCheck<Amounts>((amounts) => {
  const { OPENCODE_CPU_LIMIT, OPENCODE_CPU_REQUEST, OPENCODE_MEMORY_LIMIT, OPENCODE_MEMORY_REQUEST } = amounts;
  return {
    ...(coresOf(OPENCODE_CPU_LIMIT ?? '') < coresOf(OPENCODE_CPU_REQUEST ?? '')
      ? { OPENCODE_CPU_LIMIT: 'must not be below OPENCODE_CPU_REQUEST.' }
      : {}),
    ...(bytesOf(OPENCODE_MEMORY_LIMIT ?? '') < bytesOf(OPENCODE_MEMORY_REQUEST ?? '')
      ? { OPENCODE_MEMORY_LIMIT: 'must not be below OPENCODE_MEMORY_REQUEST.' }
      : {}),
  };
});

/** Every variable that `npm run worker` reads. */
export const workerVariables = z
  .object({
    ...commonVariables,
    ACCESS_SECRET_PREVIOUS: accessVariables.ACCESS_SECRET_PREVIOUS,
    IDLE_STOP_DEFAULT: idleStopVariable,
    TRASH_DAYS: trashDaysVariable,
    KUBECONFIG: z
      .string()
      .optional()
      .describe(
        'The kubeconfig file of the cluster, or several, separated as in `PATH`. When it is not set, the worker uses the service account of its pod.',
      ),
    OPENCODE_IMAGE: image
      .default('opencode-project-manager/opencode:0.2.0')
      .describe('The image of the container opencode-server, and of the container that clones the repository.'),
    FILE_BROWSER_IMAGE: image
      .default('opencode-project-manager/sidecars:0.2.0')
      .describe('The image of the container file-browser.'),
    SESSION_PROXY_IMAGE: image
      .default('opencode-project-manager/sidecars:0.2.0')
      .describe('The image of the container session-proxy.'),
    IMAGE_PULL_POLICY: z
      .enum(['Always', 'IfNotPresent', 'Never'], { error: 'must be Always, IfNotPresent or Never.' })
      .default('IfNotPresent')
      .describe('When the kubelet pulls the images: `Always`, `IfNotPresent` or `Never`.'),
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
      .describe('The names of the Secrets for pulling images, separated by commas.'),
    OPENCODE_CPU_LIMIT: cpuQuantity
      .default('1')
      .describe('The CPU limit of OpenCode, in an installation without PROJECT_SIZES, as the next three variables.'),
    OPENCODE_MEMORY_LIMIT: bytesQuantity
      .default('2Gi')
      .describe('The memory limit of OpenCode. Its container is restarted when it uses more.'),
    OPENCODE_CPU_REQUEST: cpuQuantity
      .default('100m')
      .describe('The CPU request of OpenCode: what its node must have free.'),
    OPENCODE_MEMORY_REQUEST: bytesQuantity
      .default('512Mi')
      .describe('The memory request of OpenCode: what its node must have free.'),
    OPENCODE_CONFIG_MAP: objectName
      .optional()
      .describe(
        'The name of a ConfigMap with the key `opencode.json`: the managed configuration of OpenCode, which wins over that of projects and repositories.',
      ),
    GIT_CA_CONFIG_MAP: objectName
      .optional()
      .describe(
        'The name of a ConfigMap with the key `ca.crt`: authorities in PEM that the clone step trusts besides those of its image.',
      ),
    MODEL_BROKER_URL: serviceUrl({
      protocol: /^https?$/,
      error: 'must be the URL at which pods reach the model broker, such as http://gateway.opencode-system:3083.',
    })
      .optional()
      .describe(
        'Where the pods of projects reach the model broker of the gateway, such as `http://gateway.opencode-system:3083`. Without it OpenCode gets no models of this system. It needs ACCESS_SECRET.',
      ),
    POD_TEMPLATE: podTemplateVariable
      .optional()
      .describe(
        'Part of a Pod, as YAML, that is added to every pod of a project: placement on nodes, classes, labels, annotations, pull secrets, host names, volumes and variables. docs/operations/pod-template.md has the fields.',
      ),
    WORKSPACE_SIZE: bytesQuantity
      .default('1Gi')
      .describe('The size of new volumes, in an installation without PROJECT_SIZES.'),
    WORKSPACE_STORAGE_CLASS: objectName
      .optional()
      .describe("The storage class of new volumes. When it is not set, the cluster's default is used."),
    WORKER_CONCURRENCY: integerVariable('WORKER_CONCURRENCY', { min: 1, max: 200, fallback: 20 }).describe(
      'How many projects the worker reconciles at the same time.',
    ),
    ACTIVITY_RETENTION_DAYS: integerVariable('ACTIVITY_RETENTION_DAYS', { min: 1, max: 36_500, fallback: 90 }).describe(
      'How many days timeline entries are kept.',
    ),
    WORKER_METRICS_PORT: integerVariable('WORKER_METRICS_PORT', { min: 0, max: 65_535, fallback: 3081 }).describe(
      'The port of `/livez`, `/readyz` and `/metrics`. `npm start` opens it only when it is set.',
    ),
  })
  .check(limitsCheck, sizesCheck);

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
    idleStopDefault: read.IDLE_STOP_DEFAULT,
    trashDays: read.TRASH_DAYS,
    sizeRules: toSizeRules(read),
    metricsPort: read.WORKER_METRICS_PORT,
    logLevel: read.LOG_LEVEL,
    accessSecret: read.ACCESS_SECRET ?? null,
    previousAccessSecret: read.ACCESS_SECRET_PREVIOUS ?? null,
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
      sizes: read.PROJECT_SIZES ?? [],
      workspaceStorageClass: read.WORKSPACE_STORAGE_CLASS ?? null,
      openCodeConfigMap: read.OPENCODE_CONFIG_MAP ?? null,
      gitCaConfigMap: read.GIT_CA_CONFIG_MAP ?? null,
      // Without ACCESS_SECRET the gateway would refuse the credentials of every pod.
      modelBrokerUrl: read.ACCESS_SECRET === undefined ? null : (read.MODEL_BROKER_URL ?? null),
      podTemplate: read.POD_TEMPLATE ?? null,
    },
  };
}
