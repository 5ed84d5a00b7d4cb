/** Snapshots of real pods: what Kubernetes reported, and the diagnosis that the engine must give. One file each in `snapshots/`. */

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
  /** What caused it, or that it was written from documentation. */
  how: z.string(),
  /** The time of the diagnosis. */
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
    /** Texts that must appear in the message or the next step. */
    mentions: z.array(z.string()),
    codeHint: z.string(),
  }),
  httpStatus: z.number().optional(),
  /** The API's answer, when the request to create the pod was refused. */
  status: z
    .object({
      reason: z.string().optional(),
      message: z.string().optional(),
      details: z
        .object({
          kind: z.string().optional(),
          causes: z
            .array(
              z.object({ reason: z.string().optional(), message: z.string().optional(), field: z.string().optional() }),
            )
            .optional(),
        })
        .nullish(),
    })
    .optional(),
});
export type CapturedSnapshot = z.infer<typeof snapshotSchema>;

type Diagnosed = Pick<Diagnosis, 'reason' | 'message' | 'nextStep' | 'actor' | 'evidence'> & {
  /** As the captured files name it: `running` instead of `ready`. */
  state: string;
};

/** The file as it is, before the schemas drop fields. */
function readRaw(name: string): Record<string, unknown> {
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
    const refusal = diagnoseRefusal({ ...status, status: httpStatus });
    return { ...refusal, state: stateOfRefusal(refusal) };
  }
  const diagnosed = pod ? diagnosePod({ pod, events, claim, node, now }) : diagnoseGone(events);
  return { ...diagnosed, state: diagnosed.state === 'ready' ? 'running' : diagnosed.state };
}

/** The state that follows from a refused request, as the worker shows it. */
export function stateOfRefusal({ kind, reason }: ReturnType<typeof diagnoseRefusal>): string {
  // No pod starts with credentials that the cluster refuses, or without the permission, although the worker keeps trying.
  if (reason === 'unauthorized' || reason === 'forbidden') return 'failed';
  if (reason === 'eviction-blocked') return 'running';
  switch (kind) {
    case 'not-found':
      return 'lost';
    case 'already-exists':
      return 'starting';
    case 'terminal':
      return 'failed';
    case 'conflict':
    case 'gone':
    case 'transient':
      return 'failing';
  }
}
