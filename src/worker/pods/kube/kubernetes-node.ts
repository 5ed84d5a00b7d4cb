/** The part of a Kubernetes Node that the diagnosis reads; every other field is dropped. */

import { z } from 'zod';

import { withCleanTexts } from '../../../shared/clean-texts.ts';

const nodeSchema = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({ unschedulable: z.boolean().nullish() }).prefault({}),
  status: z
    .object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) })
    .prefault({}),
});
export const kubernetesNodeSchema = withCleanTexts(nodeSchema);
export type KubernetesNode = z.infer<typeof kubernetesNodeSchema>;
