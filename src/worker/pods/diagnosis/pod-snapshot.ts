/** What the engine reads, what it answers, and the few words that all of its parts share. */

import type { Actor, Evidence } from '../../../shared/contract/diagnosis.ts';
import { maxEvidence, maxEvidenceText } from '../../../shared/contract/diagnosis.ts';
import { reasonFacts, type ReasonCode } from '../../../shared/contract/reasons.ts';
import type { KubernetesClaim } from '../kube/kubernetes-claim.ts';
import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import type { KubernetesNode } from '../kube/kubernetes-node.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import { timeOf } from '../kube/kubernetes-time.ts';

export interface PodSnapshot {
  pod: KubernetesPod;
  /** Of this pod and its claim, in any order, old ones included. */
  events: KubernetesEvent[];
  claim: KubernetesClaim | null;
  /** The node of the pod, where somebody may read nodes. */
  node?: KubernetesNode | null;
  /** Milliseconds since the epoch. */
  now: number;
}

export interface Diagnosis {
  /**
   * `failing`: it tries again by itself but something must be mended; `failed`: this pod will not run again; `lost`: it is
   * gone or as good as gone without our doing, and another takes its place.
   */
  state: 'starting' | 'ready' | 'failing' | 'failed' | 'lost' | 'stopping';
  reason: ReasonCode;
  /** What is happening, to what. */
  message: string;
  /** What happens next by itself, or what to do. */
  nextStep: string;
  actor: Actor;
  /** Since when the reason holds, where Kubernetes says so; an ISO time. */
  since: string | null;
  /** Time alone changes the answer at this ISO time, if nothing else does before; `null`: never. */
  recheckAt: string | null;
  evidence: Evidence[];
}

/** How long each step may take before it is called slow or somebody is called, in milliseconds. Slow is not failed. */
export const deadlines = {
  /** Nothing is heard of a scheduler. */
  schedulingMs: 30_000,
  /** The node says nothing after the pod was given to it. */
  nodeSilentMs: 60_000,
  /** The claim waits and nothing says why. */
  volumeSilentMs: 60_000,
  /** A node that is busy is late with the volume or the secret of a pod, and says so. */
  mountPassesMs: 30_000,
  imagePullMs: 120_000,
  /** From the start of a container without a startup probe; one with a probe has the probe's own time besides. */
  containerStartMs: 60_000,
  /** A program that refuses connections has not opened its port yet. */
  portClosedMs: 15_000,
  /** Beyond the grace that the pod was given to end. */
  terminationMs: 30_000,
} as const;

/** An answer with the actor that its reason has as a rule, unless `rest` says otherwise. */
export function diagnosis(
  state: Diagnosis['state'],
  reason: ReasonCode,
  words: { message: string; nextStep: string },
  rest: Partial<Pick<Diagnosis, 'actor' | 'since' | 'recheckAt' | 'evidence'>> = {},
): Diagnosis {
  const { evidence = [], ...others } = rest;
  return {
    state,
    reason,
    ...words,
    actor: reasonFacts[reason].actor,
    since: null,
    recheckAt: null,
    ...others,
    evidence: evidence.slice(0, maxEvidence),
  };
}

/** A piece of evidence, with its text as it is but for white space at the ends and its length. */
export function piece(
  source: Evidence['source'],
  subject: string,
  text: string | undefined,
  rest: Partial<Pick<Evidence, 'reason' | 'at' | 'count'>> = {},
): Evidence {
  const trimmed = (text ?? '').trim();
  const short = trimmed.length > maxEvidenceText ? `${trimmed.slice(0, maxEvidenceText - 1)}…` : trimmed;
  return { source, subject, reason: null, at: null, count: null, ...rest, text: short.toWellFormed() };
}

export function eventPiece(event: KubernetesEvent): Evidence {
  return piece('event', event.of.container ?? event.of.kind.toLowerCase(), event.message, {
    reason: event.reason,
    at: isoOf(event.at),
    count: Math.max(1, Math.floor(event.count)),
  });
}

export function isoOf(text: string | null | undefined): string | null {
  const ms = timeOf(text);
  return ms === null ? null : new Date(ms).toISOString();
}

/** The time of a deadline that is still to come, else `null`. */
export function deadlineAfter(from: string | null | undefined, limitMs: number, now: number): string | null {
  const start = timeOf(from);
  return start === null || start + limitMs <= now ? null : new Date(start + limitMs).toISOString();
}

export function earliest(...times: (string | null)[]): string | null {
  return times.filter((time) => time !== null).toSorted()[0] ?? null;
}

/** Whether `from` lies at least `limitMs` back. */
export function isOverdue(from: string | null | undefined, limitMs: number, now: number): boolean {
  const start = timeOf(from);
  return start !== null && now - start >= limitMs;
}

/** Events of exactly this pod, or of a claim, the newest last. An event of an earlier pod of the name tells nothing. */
export function eventsOfPod({ events, pod }: Pick<PodSnapshot, 'events' | 'pod'>): KubernetesEvent[] {
  const { uid, name, creationTimestamp } = pod.metadata;
  // Some controllers name the pod without its uid.
  const isOfIt = (event: KubernetesEvent) =>
    event.of.uid === uid || (event.of.uid === '' && event.of.name === name && isSince(event, creationTimestamp));
  return inOrder(events.filter((event) => event.of.kind === 'Pod' && isOfIt(event)));
}

export function inOrder(events: KubernetesEvent[]): KubernetesEvent[] {
  return events.toSorted((a, b) => (timeOf(a.at) ?? 0) - (timeOf(b.at) ?? 0));
}

/** The newest of them that matches. */
export function lastEvent(
  events: KubernetesEvent[],
  matches: (event: KubernetesEvent) => boolean,
): KubernetesEvent | undefined {
  return events.findLast(matches);
}

export function isSince(event: KubernetesEvent, from: string | null | undefined): boolean {
  const [at, start] = [timeOf(event.at), timeOf(from)];
  return at === null || start === null || at >= start;
}

/** "a, b and c" */
export function listed(words: string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
