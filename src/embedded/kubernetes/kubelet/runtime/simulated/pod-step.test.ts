import { describe, expect, it } from 'vitest';

import { objectsAt, textAt, valueAt, type JsonObject, type KubeObject } from '../../../api/kube-object.ts';
import { defaultDelays } from '../../delays.ts';
import { stepPod, type SimulatedStep } from './pod-step.ts';
import { evictedConditions, lostConditions } from './scripted-end.ts';
import type { ContainerMemory } from './step-result.ts';

const startMs = Date.parse('2026-01-01T00:00:00Z');
const container = (name: string, image: string): JsonObject => ({ name, image, imagePullPolicy: 'IfNotPresent' });

/** Simulates a pod until `untilMs` after its creation, and returns the last step and all event reasons. */
function simulate(spec: { containers: JsonObject[]; initContainers?: JsonObject[] }, untilMs: number) {
  let pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'pod',
      namespace: 'n',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { restartPolicy: 'Always', ...spec },
  };
  const memories = new Map<string, ContainerMemory>();
  const images = new Set<string>();
  const paths: (string | undefined)[] = [];
  let step: SimulatedStep;
  let nowMs = startMs;
  do {
    step = stepPod({ pod, memories, images, delays: defaultDelays, nowMs, addressOf: () => '192.0.2.7' });
    pod = { ...pod, status: step.status };
    paths.push(...step.events.map(({ event, fieldPath }) => (event.reason === 'Started' ? fieldPath : undefined)));
    nowMs += Math.max(1, Math.min(step.retryAfterMs ?? Infinity, step.scriptedEnd?.dueInMs ?? Infinity, 1000));
  } while (nowMs <= startMs + untilMs);
  return { step, started: paths.filter((path) => path !== undefined) };
}

describe('the steps of a pod', () => {
  it('start its init containers in order, then its containers, and name each in the events', () => {
    const initContainers = [container('first', 'app:v1'), container('second', 'app:v1')];
    const { step, started } = simulate({ initContainers, containers: [container('main', 'app:v1')] }, 10_000);
    expect(started).toEqual(['spec.initContainers{first}', 'spec.initContainers{second}', 'spec.containers{main}']);
    expect(textAt(step.status, 'phase')).toBe('Running');
    expect(step.scriptedEnd).toBeUndefined();
  });

  it('leave the containers waiting while an init container does not end', () => {
    const initContainers = [container('clone', 'app:v1')];
    const slow = { ...initContainers[0], env: [{ name: 'REPO_URL', value: 'https://scenarios.example/clone-slow' }] };
    const { step } = simulate({ initContainers: [slow], containers: [container('main', 'app:v1')] }, 60_000);
    expect(textAt(step.status, 'phase')).toBe('Pending');
    expect(step.retryAfterMs).toBeUndefined();
    expect(valueAt(objectsAt(step.status, 'containerStatuses')[0], 'state', 'waiting')).toEqual({
      reason: 'PodInitializing',
    });
  });

  it('end the whole pod some time after its container has started when the scenario says so', () => {
    const containers = [container('main', 'evicted:v1')];
    expect(simulate({ containers }, 0).step.scriptedEnd).toBeUndefined();
    const { scriptedEnd } = simulate({ containers }, 10_000).step;
    expect(scriptedEnd?.dueInMs).toBeLessThanOrEqual(0);
    expect(scriptedEnd?.scenario.podEnd?.reason).toBe('Evicted');
  });
});

describe('the conditions at the end of a pod', () => {
  const status = { conditions: [{ type: 'Ready', status: 'True' }] };

  it('give the reason of an eviction', () => {
    const conditions = evictedConditions(status, { reason: 'EvictionByEvictionAPI', message: 'evicting' }, startMs);
    expect(conditions).toMatchObject([
      { type: 'Ready', status: 'True' },
      { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' },
    ]);
  });

  it('are not ready when the node no longer reports', () => {
    expect(lostConditions(status, startMs)).toMatchObject([{ type: 'Ready', status: 'False' }]);
  });
});
