/** Real situations of pods: what Kubernetes wrote, and what the engine should make of it. One file each in `situations/`. */
import { readdirSync, readFileSync } from 'node:fs';

import { z } from 'zod';

import { explainGone } from '../../src/shared/contract/explain/endings.ts';
import { explainPod } from '../../src/shared/contract/explain/explain-pod.ts';
import { explainRefusal } from '../../src/shared/contract/explain/refusal.ts';
import type { PodExplanation } from '../../src/shared/contract/explain/situation.ts';
import { kubernetesClaimSchema } from '../../src/shared/contract/kubernetes-claim.ts';
import { kubernetesEventSchema } from '../../src/shared/contract/kubernetes-event.ts';
import { kubernetesNodeSchema } from '../../src/shared/contract/kubernetes-node.ts';
import { kubernetesPodSchema } from '../../src/shared/contract/kubernetes-pod.ts';

const folder = new URL('./situations/', import.meta.url);

const situationSchema = z.object({
  name: z.string(),
  /** How it came about, or from which documentation it is. */
  how: z.string(),
  /** Take it as "now". */
  capturedAt: z.string(),
  pod: kubernetesPodSchema.nullable(),
  events: z.array(kubernetesEventSchema),
  pvc: kubernetesClaimSchema.nullable(),
  node: kubernetesNodeSchema.nullable(),
  expect: z.object({
    state: z.string(),
    stateAlso: z.array(z.string()).default([]),
    actor: z.string(),
    actorAlso: z.array(z.string()).default([]),
    /** Words that sentence and next step together must hold. */
    mentions: z.array(z.string()),
    codeHint: z.string(),
  }),
  httpStatus: z.number().optional(),
  /** The API's own answer, where no pod came of it. */
  status: z
    .object({
      reason: z.string().optional(),
      message: z.string().optional(),
      details: z.object({ causes: z.array(z.object({ reason: z.string().optional() })).optional() }).nullish(),
    })
    .optional(),
});
export type CapturedSituation = z.infer<typeof situationSchema>;

export type Explained = Pick<PodExplanation, 'reason' | 'sentence' | 'next' | 'actor' | 'evidence'> & {
  /** In the words of the captures: `running` for ready. */
  state: string;
};

/** As Kubernetes wrote it, before anything is parsed. */
export function readRaw(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Record<string, unknown>; // our own files
}

export const situationNames = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.slice(0, -'.json'.length))
  .toSorted();

/** @throws ZodError */
export function parseSituation(raw: unknown): CapturedSituation {
  return situationSchema.parse(raw);
}

export function readSituation(name: string): CapturedSituation {
  return parseSituation(readRaw(name));
}

export function explainSituation(given: CapturedSituation, now = Date.parse(given.capturedAt)): Explained {
  const { pod, events, pvc: claim, node, status, httpStatus } = given;
  if (status && httpStatus !== undefined) {
    const causes = (status.details?.causes ?? []).flatMap(({ reason }) => reason ?? []);
    const refusal = explainRefusal({ status: httpStatus, reason: status.reason, message: status.message, causes });
    return { ...refusal, state: stateOfRefusal(refusal.reason) };
  }
  const explained = pod ? explainPod({ pod, events, claim, node, now }) : explainGone(events);
  return { ...explained, state: explained.state === 'ready' ? 'running' : explained.state };
}

/** What becomes of the project when the API answers so; the worker decides it by the kind of the error. */
function stateOfRefusal(reason: Explained['reason']): string {
  switch (reason) {
    case 'pod-gone':
      return 'lost';
    case 'name-conflict':
      return 'starting';
    case 'eviction-blocked':
      return 'running';
    case 'admission-unavailable':
    case 'cluster-busy':
    case 'cluster-error':
      return 'failing';
    default:
      return 'failed';
  }
}
