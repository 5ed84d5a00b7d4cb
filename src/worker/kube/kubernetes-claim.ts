/** The part of a PersistentVolumeClaim that the worker reads. */
import { z } from 'zod';

const time = z.union([z.string(), z.date().transform((date) => date.toISOString())]);

export const kubernetesClaimSchema = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    deletionTimestamp: time.nullish(),
    labels: z.record(z.string(), z.string()).default({}),
  }),
  status: z.object({ phase: z.string().optional() }).prefault({}),
});
export type KubernetesClaim = z.infer<typeof kubernetesClaimSchema>;
