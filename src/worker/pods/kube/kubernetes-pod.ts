/** The part of a Kubernetes Pod that the worker reads; every other field is dropped. */

import { z } from 'zod';

import { kubernetesTime } from './kubernetes-time.ts';

const terminatedSchema = z.object({
  exitCode: z.number(),
  signal: z.number().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  finishedAt: kubernetesTime.nullish(),
});
export type ContainerEnd = z.infer<typeof terminatedSchema>;

const containerStateSchema = z.object({
  waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional(),
  running: z.object({ startedAt: kubernetesTime.nullish() }).optional(),
  terminated: terminatedSchema.optional(),
});

const containerStatusSchema = z.object({
  name: z.string(),
  ready: z.boolean().default(false),
  started: z.boolean().nullish(),
  restartCount: z.number().default(0),
  state: containerStateSchema.default({}),
  lastState: containerStateSchema.default({}),
});
export type ContainerStatus = z.infer<typeof containerStatusSchema>;

const probeSchema = z.object({
  initialDelaySeconds: z.number().nullish(),
  periodSeconds: z.number().nullish(),
  failureThreshold: z.number().nullish(),
});

const containerSchema = z.object({
  name: z.string(),
  image: z.string().default(''),
  /** `Always` on an init container makes it a sidecar, which keeps running beside the containers. */
  restartPolicy: z.string().nullish(),
  startupProbe: probeSchema.nullish(),
});

export const kubernetesPodSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    creationTimestamp: kubernetesTime,
    deletionTimestamp: kubernetesTime.nullish(),
    deletionGracePeriodSeconds: z.number().nullish(),
    finalizers: z.array(z.string()).default([]),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.object({
    nodeName: z.string().optional(),
    volumes: z
      .array(
        z.object({
          name: z.string().default(''),
          /** A volume whose content is an image. */
          image: z.object({ reference: z.string().optional() }).nullish(),
          persistentVolumeClaim: z.object({ claimName: z.string() }).nullish(),
        }),
      )
      .default([]),
    initContainers: z.array(containerSchema).default([]),
    containers: z.array(containerSchema).default([]),
    schedulerName: z.string().nullish(),
    runtimeClassName: z.string().nullish(),
    schedulingGates: z.array(z.object({ name: z.string() })).default([]),
    readinessGates: z.array(z.object({ conditionType: z.string() })).default([]),
  }),
  status: z
    .object({
      phase: z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']).default('Pending'),
      reason: z.string().optional(),
      message: z.string().optional(),
      podIP: z.string().optional(),
      /** The node that the scheduler makes ready for the pod. */
      nominatedNodeName: z.string().optional(),
      conditions: z
        .array(
          z.object({
            type: z.string(),
            status: z.string(),
            reason: z.string().optional(),
            message: z.string().optional(),
            lastTransitionTime: kubernetesTime.nullish(),
          }),
        )
        .default([]),
      initContainerStatuses: z.array(containerStatusSchema).default([]),
      containerStatuses: z.array(containerStatusSchema).default([]),
    })
    .prefault({}),
});
export type KubernetesPod = z.infer<typeof kubernetesPodSchema>;

/** The condition of this type, for example `PodScheduled`. */
export function conditionOf(pod: KubernetesPod, type: string) {
  return pod.status.conditions.find((each) => each.type === type);
}
