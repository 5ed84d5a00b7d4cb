/** Real situations of pods: what Kubernetes wrote, and what the engine should make of it. One file each in `snapshots/`. */

import { readdirSync, readFileSync } from 'node:fs';

import { z } from 'zod';

import { diagnoseRefusal } from '../../src/worker/pods/diagnosis/api-refusals.ts';
import { diagnosePod } from '../../src/worker/pods/diagnosis/diagnose-pod.ts';
import type { Diagnosis } from '../../src/worker/pods/diagnosis/diagnosis.ts';
import { diagnoseGone } from '../../src/worker/pods/diagnosis/gone-pods.ts';
import { kubernetesClaimSchema } from '../../src/worker/pods/kube/kubernetes-claim.ts';
import { kubernetesEventSchema } from '../../src/worker/pods/kube/kubernetes-event.ts';
import { kubernetesNodeSchema } from '../../src/worker/pods/kube/kubernetes-node.ts';
import { kubernetesPodSchema } from '../../src/worker/pods/kube/kubernetes-pod.ts';

const folder = new URL('./snapshots/', import.meta.url);

const snapshotSchema = z.object({
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
export type CapturedSnapshot = z.infer<typeof snapshotSchema>;

export type Diagnosed = Pick<Diagnosis, 'reason' | 'message' | 'nextStep' | 'actor' | 'evidence'> & {
  /** In the words of the captures: `running` for ready. */
  state: string;
};

/** As Kubernetes wrote it, before anything is parsed. */
export function readRaw(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Record<string, unknown>; // our own files
}

export const snapshotNames = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.slice(0, -'.json'.length))
  .toSorted();

/** @throws ZodError */
export function parseSnapshot(raw: unknown): CapturedSnapshot {
  return snapshotSchema.parse(raw);
}

export function readSnapshot(name: string): CapturedSnapshot {
  return parseSnapshot(readRaw(name));
}

export function diagnoseSnapshot(given: CapturedSnapshot, now = Date.parse(given.capturedAt)): Diagnosed {
  const { pod, events, pvc: claim, node, status, httpStatus } = given;
  if (status && httpStatus !== undefined) {
    const causes = (status.details?.causes ?? []).flatMap(({ reason }) => reason ?? []);
    const refusal = diagnoseRefusal({ status: httpStatus, reason: status.reason, message: status.message, causes });
    return { ...refusal, state: stateOfRefusal(refusal.reason) };
  }
  const diagnosed = pod ? diagnosePod({ pod, events, claim, node, now }) : diagnoseGone(events);
  return { ...diagnosed, state: diagnosed.state === 'ready' ? 'running' : diagnosed.state };
}

/** What becomes of the project when the API answers so; the worker decides it by the kind of the error. */
function stateOfRefusal(reason: Diagnosed['reason']): string {
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
