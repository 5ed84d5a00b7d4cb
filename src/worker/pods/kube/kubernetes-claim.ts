/** The part of a PersistentVolumeClaim that the worker reads; every other field is dropped. */

import { z } from 'zod';

import { withCleanTexts } from '../../../shared/clean-texts.ts';
import { kubernetesTime, optionalTime } from './kubernetes-time.ts';

const claimSchema = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    creationTimestamp: optionalTime,
    deletionTimestamp: kubernetesTime.nullish(),
    finalizers: z.array(z.string()).default([]),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z
    .object({
      /** The volume that the claim is bound to. */
      volumeName: z.string().nullish(),
      storageClassName: z.string().nullish(),
    })
    .prefault({}),
  status: z.object({ phase: z.string().optional() }).prefault({}),
});
export const kubernetesClaimSchema = withCleanTexts(claimSchema);
export type KubernetesClaim = z.infer<typeof kubernetesClaimSchema>;
