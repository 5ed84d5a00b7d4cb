/** The part of a Kubernetes Pod that the explanation reads, parsed at the edge; every other field is dropped. */
import { z } from 'zod';

const time = z.union([z.string(), z.date().transform((date) => date.toISOString())]);

const terminatedSchema = z.object({
  exitCode: z.number(),
  signal: z.number().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  startedAt: time.nullish(),
  finishedAt: time.nullish(),
});

const containerStateSchema = z.object({
  waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional(),
  running: z.object({ startedAt: time.nullish() }).optional(),
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

export const kubernetesPodSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    creationTimestamp: time,
    deletionTimestamp: time.nullish(),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.object({
    nodeName: z.string().optional(),
    containers: z.array(z.object({ name: z.string(), image: z.string().default('') })).default([]),
  }),
  status: z
    .object({
      phase: z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']).default('Pending'),
      reason: z.string().optional(),
      message: z.string().optional(),
      conditions: z
        .array(
          z.object({
            type: z.string(),
            status: z.string(),
            reason: z.string().optional(),
            message: z.string().optional(),
          }),
        )
        .default([]),
      initContainerStatuses: z.array(containerStatusSchema).default([]),
      containerStatuses: z.array(containerStatusSchema).default([]),
    })
    .prefault({}),
});
export type KubernetesPod = z.infer<typeof kubernetesPodSchema>;
