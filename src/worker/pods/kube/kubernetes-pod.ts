/** The part of a Kubernetes Pod that the worker reads; every other field is dropped. */

import { z } from 'zod';

import { withCleanTexts } from '../../../shared/clean-texts.ts';
import { kubernetesCount, kubernetesSeconds, wholeNumber } from './kubernetes-number.ts';
import { kubernetesTime, optionalTime } from './kubernetes-time.ts';

const terminatedSchema = z.object({
  exitCode: wholeNumber,
  signal: wholeNumber.optional().catch(undefined),
  reason: z.string().optional(),
  message: z.string().optional(),
  finishedAt: optionalTime,
});
export type ContainerEnd = z.infer<typeof terminatedSchema>;

const containerStateSchema = z.object({
  waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional(),
  running: z.object({ startedAt: optionalTime }).optional(),
  terminated: terminatedSchema.optional(),
});

const containerStatusSchema = z.object({
  name: z.string(),
  ready: z.boolean().default(false),
  started: z.boolean().nullish(),
  restartCount: kubernetesCount.default(0),
  state: containerStateSchema.default({}),
  lastState: containerStateSchema.default({}),
});
export type ContainerStatus = z.infer<typeof containerStatusSchema>;

const probeSchema = z.object({
  initialDelaySeconds: kubernetesSeconds.nullish().catch(null),
  periodSeconds: kubernetesSeconds.nullish().catch(null),
  failureThreshold: kubernetesSeconds.nullish().catch(null),
});

const containerSchema = z.object({
  name: z.string(),
  image: z.string().default(''),
  /** `Always` on an init container makes it a sidecar, which keeps running beside the containers. */
  restartPolicy: z.string().nullish(),
  startupProbe: probeSchema.nullish(),
});

const podSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    creationTimestamp: kubernetesTime,
    deletionTimestamp: kubernetesTime.nullish(),
    deletionGracePeriodSeconds: kubernetesSeconds.nullish().catch(null),
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
            lastTransitionTime: optionalTime,
          }),
        )
        .default([]),
      initContainerStatuses: z.array(containerStatusSchema).default([]),
      containerStatuses: z.array(containerStatusSchema).default([]),
    })
    .prefault({}),
});
export const kubernetesPodSchema = withCleanTexts(podSchema);
export type KubernetesPod = z.infer<typeof kubernetesPodSchema>;

/** The condition of this type, for example `PodScheduled`. */
export function conditionOf(pod: KubernetesPod, type: string) {
  return pod.status.conditions.find((each) => each.type === type);
}
