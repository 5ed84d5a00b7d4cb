/**
 * Guarantees of the diagnosis engine for random snapshots: it always returns a complete diagnosis, and the passing of time
 * alone changes nothing before the announced `recheckAt`.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  evidenceSchema,
  maxEvidence,
  startProgressSchema,
  startStepNameSchema,
} from '../../../shared/contract/diagnosis.ts';
import { reasonCodeSchema } from '../../../shared/contract/reason-code.ts';
import { isFailure } from '../../../shared/contract/reasons.ts';
import { kubernetesClaimSchema } from '../kube/kubernetes-claim.ts';
import { kubernetesEventSchema } from '../kube/kubernetes-event.ts';
import { kubernetesPodSchema } from '../kube/kubernetes-pod.ts';
import { diagnosePod } from './diagnose-pod.ts';
import type { PodSnapshot } from './pod-snapshot.ts';
import { startProgress } from './start-progress.ts';
import { summarizeContainers } from './summarize-containers.ts';

const start = Date.parse('2026-01-01T10:00:00Z');
const minutes = 60_000;
const names = ['clone-repository', 'opencode-server', 'file-browser'] as const;
const time = fc.integer({ min: -5, max: 600 }).map((seconds) => new Date(start + seconds * 1_000).toISOString());
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const kubernetesReason = fc.constantFrom(
  'Unschedulable',
  'ContainerCreating',
  'PodInitializing',
  'CrashLoopBackOff',
  'ErrImagePull',
  'ImagePullBackOff',
  'CreateContainerConfigError',
  'RunContainerError',
  'InvalidImageName',
  'Completed',
  'Error',
  'OOMKilled',
  'StartError',
  'Evicted',
  'NodeLost',
  'PostStartHookError: exited with 5',
  'Invented',
  '',
);
const messages = fc.oneof(
  fc.constantFrom(
    '0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {a: b}. preemption: 0/3 nodes',
    'Readiness probe failed: connection refused',
    'Container opencode-server failed liveness probe, will be restarted',
    'Pulling image "a"',
    'MountVolume.SetUp failed for volume "x" : secret "y" not found',
    'Multi-Attach error for volume',
    'clone-failed: denied: no',
  ),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
);
const end = fc.record({
  exitCode: fc.integer({ min: -1, max: 300 }),
  reason: maybe(kubernetesReason),
  message: maybe(messages),
  finishedAt: maybe(time),
});
const state = fc.oneof(
  fc.record({ waiting: fc.record({ reason: maybe(kubernetesReason), message: maybe(messages) }) }),
  fc.record({ running: fc.record({ startedAt: maybe(time) }) }),
  fc.record({ terminated: end }),
  fc.constant({}),
);
const container = fc.record({
  name: fc.constantFrom(...names),
  ready: fc.boolean(),
  restartCount: fc.nat(5),
  state,
  lastState: state,
});
const podShape = fc.record({
  metadata: fc.record({
    name: fc.constant('project-x'),
    namespace: fc.constant('opencode'),
    uid: fc.constant('u'),
    resourceVersion: fc.constant('1'),
    creationTimestamp: fc.constant(new Date(start).toISOString()),
    deletionTimestamp: maybe(time),
    finalizers: fc.constantFrom([], ['example.com/hold']),
  }),
  spec: fc.record({
    nodeName: maybe(fc.constant('node-1')),
    containers: fc.subarray(names.slice(1).map((name) => ({ name, image: 'registry.example.com/a:1' }))),
  }),
  status: fc.record({
    phase: fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'),
    reason: maybe(kubernetesReason),
    message: maybe(messages),
    conditions: fc.array(
      fc.record({
        type: fc.constantFrom('PodScheduled', 'Ready', 'DisruptionTarget'),
        status: fc.constantFrom('True', 'False', 'Unknown'),
        reason: maybe(kubernetesReason),
        message: maybe(messages),
        lastTransitionTime: maybe(time),
      }),
      { maxLength: 3 },
    ),
    initContainerStatuses: fc.array(container, { maxLength: 1 }),
    containerStatuses: fc.array(container, { maxLength: 3 }),
  }),
});
/** Random values rarely give a ready pod, so some pods are made ready on purpose. */
const readyShape = podShape.map((shape) => {
  const containers = names.slice(1).map((name) => ({ name, image: 'registry.example.com/a:1' }));
  const running = { ready: true, restartCount: 0, state: { running: {} }, lastState: {} };
  return {
    ...shape,
    metadata: { ...shape.metadata, deletionTimestamp: undefined },
    spec: { nodeName: 'node-1', containers },
    status: {
      phase: 'Running',
      conditions: [],
      initContainerStatuses: [],
      containerStatuses: containers.map(({ name }) => ({ name, ...running })),
    },
  };
});
const eventShape = fc.record({
  metadata: fc.constant({}),
  involvedObject: fc.record({
    kind: fc.constantFrom('Pod', 'PersistentVolumeClaim', ''),
    name: fc.constant('project-x'),
    uid: fc.constantFrom('u', 'other', ''),
    fieldPath: maybe(
      fc.constantFrom('spec.containers{opencode-server}', 'spec.initContainers{clone-repository}', 'spec'),
    ),
  }),
  type: fc.constantFrom('Normal', 'Warning'),
  reason: fc.constantFrom(
    'Pulling',
    'Pulled',
    'Failed',
    'Unhealthy',
    'Killing',
    'BackOff',
    'FailedMount',
    'FailedAttachVolume',
    'TriggeredScaleUp',
    'TaintManagerEviction',
    'Preempted',
    'NodeNotReady',
    'ProvisioningFailed',
    'Invented',
  ),
  message: messages,
  count: maybe(fc.nat(100)),
  lastTimestamp: maybe(time),
  eventTime: maybe(time),
});
const claimShape = fc.record({
  metadata: fc.record({
    name: fc.constant('w'),
    uid: fc.constant('c'),
    resourceVersion: fc.constant('1'),
    creationTimestamp: maybe(time),
  }),
  status: fc.record({ phase: maybe(fc.constantFrom('Pending', 'Bound', 'Lost')) }),
});
const anySnapshot: fc.Arbitrary<Omit<PodSnapshot, 'now'>> = fc.record({
  pod: fc
    .oneof({ weight: 9, arbitrary: podShape }, { weight: 1, arbitrary: readyShape })
    .map((shape) => kubernetesPodSchema.parse(shape)),
  events: fc.array(
    eventShape.map((shape) => kubernetesEventSchema.parse(shape)),
    { maxLength: 6 },
  ),
  claim: fc.option(claimShape.map((shape) => kubernetesClaimSchema.parse(shape))),
});
const anyTime = fc.integer({ min: start, max: start + 15 * minutes });

describe('diagnosePod, for any snapshot,', () => {
  it('returns messages for people, a known reason code and valid evidence', () => {
    const states = new Set<string>();
    fc.assert(
      fc.property(anySnapshot, anyTime, (snapshot, now) => {
        const answer = diagnosePod({ ...snapshot, now });
        states.add(answer.state);
        expect(reasonCodeSchema.options).toContain(answer.reason);
        expect(answer.message).toMatch(/^[A-Z][^]*\.$/);
        expect(answer.nextStep).toMatch(/^[A-Z][^]*\.$/);
        expect(answer.evidence.length).toBeLessThanOrEqual(maxEvidence);
        for (const entry of answer.evidence) expect(evidenceSchema.parse(entry)).toEqual(entry);
        if (answer.state === 'ready') {
          expect(summarizeContainers(snapshot.pod).every(({ ready }) => ready)).toBe(true);
          expect(snapshot.pod.status.phase).toBe('Running');
        }
        if (answer.reason === 'ready') expect(isFailure(answer.reason)).toBe(false);
      }),
      { numRuns: 3_000 },
    );
    expect([...states].toSorted()).toEqual(['failed', 'failing', 'lost', 'ready', 'starting', 'stopping']);
  });

  it('returns the same diagnosis until the announced recheckAt', () => {
    let announced = 0;
    fc.assert(
      fc.property(anySnapshot, anyTime, fc.double({ min: 0, max: 1, noNaN: true }), (snapshot, now, part) => {
        const answer = diagnosePod({ ...snapshot, now });
        const until = answer.recheckAt === null ? now + 60 * minutes : Date.parse(answer.recheckAt);
        expect(until).toBeGreaterThan(now);
        const between = Math.min(until - 1, Math.floor(now + part * (until - now)));
        expect(diagnosePod({ ...snapshot, now: Math.max(now, between) })).toEqual(answer);
        if (answer.recheckAt !== null) announced += 1;
      }),
      { numRuns: 3_000 },
    );
    expect(announced).toBeGreaterThan(100);
  });
});

describe('startProgress', () => {
  it('never goes back, has at most one current step, and does not change after the first time the pod is ready', () => {
    let ended = 0;
    const observation = fc.record({
      snapshot: anySnapshot,
      hasPod: fc.boolean(),
      number: fc.integer({ min: 1, max: 10 }),
    });
    fc.assert(
      fc.property(fc.array(observation, { minLength: 2, maxLength: 6 }), (observations) => {
        const startedAt = new Date(start - 1_000).toISOString();
        let previous: ReturnType<typeof startProgress> | null = null;
        for (const [index, { snapshot, hasPod, number }] of observations.entries()) {
          const now = new Date(start + index * 10_000).toISOString();
          const { pod, claim, events } = snapshot;
          const { reason } = diagnosePod({ ...snapshot, now: Date.parse(now) });
          const progress = startProgress({
            startedAt,
            attempt: { number, of: 10 },
            pod: hasPod ? pod : null,
            claim,
            events,
            reason,
            previous,
            now,
          });
          expect(startProgressSchema.parse(progress)).toEqual(progress);
          expect(progress.steps.map(({ name }) => name)).toEqual(startStepNameSchema.options);
          const states = progress.steps.map((step) => step.state);
          const done = states.filter((each) => each === 'done').length;
          expect(states.slice(0, done).every((each) => each === 'done')).toBe(true);
          expect(states.filter((each) => each === 'active' || each === 'failed').length).toBe(done === 6 ? 0 : 1);
          if (previous) {
            expect(done).toBeGreaterThanOrEqual(previous.steps.filter((step) => step.state === 'done').length);
            for (const [at, step] of previous.steps.entries()) {
              if (step.finishedAt !== null) expect(progress.steps[at]?.finishedAt).toBe(step.finishedAt);
            }
            if (previous.readyAt !== null) expect(progress).toEqual(previous);
          }
          for (const { startedAt: from, finishedAt: to } of progress.steps) {
            if (to !== null) expect(to >= (from ?? '')).toBe(true);
          }
          if (progress.readyAt !== null) ended += 1;
          previous = progress;
        }
      }),
      { numRuns: 1_000 },
    );
    expect(ended).toBeGreaterThan(10);
  });
});
