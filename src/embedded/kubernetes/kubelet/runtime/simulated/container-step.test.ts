import { describe, expect, it } from 'vitest';

import { textAt, valueAt, type JsonObject } from '../../../api/kube-object.ts';
import { defaultDelays } from '../../delays.ts';
import { initialContainerStatus } from '../../pod-status.ts';
import type { StepEvent } from '../container-status.ts';
import { stepContainer } from './container-step.ts';
import { scenarioOf, scenarioOfContainer, type Scenario } from './scenarios.ts';
import type { ContainerMemory } from './step-result.ts';

/** Simulates one container step by step until `untilMs` after its creation. */
function simulate(image: string, untilMs: number, options: { container?: JsonObject; forgetAtMs?: number } = {}) {
  const container: JsonObject = { name: 'main', image, imagePullPolicy: 'IfNotPresent', ...options.container };
  let status = initialContainerStatus(container, false);
  let memory: ContainerMemory = { pullFailures: 0, probeFailures: 0 };
  const events: (StepEvent & { atMs: number })[] = [];
  const states: string[] = [];
  const startMs = Date.parse('2026-01-01T00:00:00Z');
  let hasImage = false;
  let nowMs = startMs;
  let isForgotten = false;
  while (nowMs <= startMs + untilMs) {
    if (options.forgetAtMs !== undefined && !isForgotten && nowMs >= startMs + options.forgetAtMs) {
      memory = { pullFailures: 0, probeFailures: 0 };
      isForgotten = true;
    }
    const result = stepContainer({
      container,
      status,
      memory,
      scenario: scenarioOf(image),
      restartPolicy: 'Always',
      pod: { name: 'pod', namespace: 'ns', uid: 'uid', ip: '10.244.0.2' },
      delays: defaultDelays,
      nowMs,
      hasImage,
      isNodeBusy: false,
      isInit: false,
    });
    ({ status } = result);
    hasImage ||= result.hasPulled;
    events.push(...result.events.map((event) => Object.assign({ atMs: nowMs - startMs }, event)));
    const state =
      textAt(status, 'state', 'waiting', 'reason') || textAt(status, 'state', 'terminated', 'reason') || 'Running';
    if (states.at(-1) !== state) states.push(state);
    if (result.retryAfterMs === undefined) break;
    nowMs += Math.max(1, result.retryAfterMs);
  }
  return { status, events, states };
}

describe('a simulated container', () => {
  it('is pulled, created and started, and becomes ready', () => {
    const { status, events, states } = simulate('app:v1', 60_000, {
      container: { startupProbe: {}, readinessProbe: {} },
    });
    expect(states).toEqual(['ContainerCreating', 'Running']);
    expect(status).toMatchObject({ started: true, ready: true, restartCount: 0 });
    expect(events.map((event) => event.reason)).toEqual(['Pulling', 'Pulled', 'Created', 'Started']);
  });

  it('restarts at once after the first crash, then after ten, twenty and forty seconds', () => {
    const { events, status } = simulate('crash:v1', 90_000);
    const starts = events.filter((event) => event.reason === 'Started').map((event) => event.atMs);
    const pauses = starts.slice(1).map((atMs, index) => Math.round((atMs - (starts[index] ?? 0)) / 1000));
    // Each run takes 1.5 s, and the reaction to its end another second.
    expect(pauses).toEqual([3, 13, 23, 43]);
    expect(Number(status['restartCount'])).toBe(4);
    expect(valueAt(status, 'lastState', 'terminated', 'exitCode')).toBe(1);
  });

  it('keeps running after one crash when its scenario is crash-once', () => {
    const { status, states } = simulate('crash-once:v1', 60_000);
    expect(states).toEqual(['ContainerCreating', 'Running', 'Error', 'Running']);
    expect(status).toMatchObject({ restartCount: 1, ready: true, lastState: { terminated: { exitCode: 1 } } });
  });

  it('tries to pull a missing image again and again with growing pauses', () => {
    const { events, states } = simulate('not-found:v1', 75_000);
    expect(states.slice(0, 4)).toEqual(['ContainerCreating', 'ErrImagePull', 'ImagePullBackOff', 'ErrImagePull']);
    expect(events.filter((event) => event.reason === 'Pulling').map((event) => Math.round(event.atMs / 1000))).toEqual([
      0, 11, 33, 74,
    ]);
  });

  it.each(['app:v1', 'crash:v1', 'not-found:v1', 'oom:v1', 'liveness:v1'])(
    'passes through the same states with %s when a restart of the kubelet loses the memory',
    (image) => {
      const container = { livenessProbe: { periodSeconds: 1 }, readinessProbe: {} };
      for (const forgetAtMs of [0, 200, 500, 1000, 2500, 4000, 12_000]) {
        const { states, status } = simulate(image, 60_000, { container, forgetAtMs });
        const undisturbed = simulate(image, 60_000, { container });
        expect(new Set(states)).toEqual(new Set(undisturbed.states));
        if (image === 'app:v1') expect(status).toMatchObject({ ready: true, restartCount: 0 });
      }
    },
  );

  it('takes a minute to pull a large image', () => {
    expect(simulate('slow-pull:v1', 50_000).states).toEqual(['ContainerCreating']);
    expect(simulate('slow-pull:v1', 65_000).states).toEqual(['ContainerCreating', 'Running']);
  });

  it('is not started while its startup probe fails, and is killed at the failure threshold', () => {
    const { events, status } = simulate('never-started:v1', 12_000, {
      container: { startupProbe: { httpGet: { path: '/h', port: 3000 }, periodSeconds: 1, failureThreshold: 3 } },
    });
    expect(events.filter((event) => event.reason === 'Unhealthy').length).toBeGreaterThanOrEqual(3);
    expect(events.find((event) => event.reason === 'Killing')?.message).toBe(
      'Container main failed startup probe, will be restarted',
    );
    expect(status['started']).toBe(false);
  });
});

describe('a scenario', () => {
  it.each<[string, Partial<Scenario>]>([
    ['registry.example.com/team/crash:v1', { exit: { code: 1, reason: 'Error' } }],
    ['opencode:exit-42', { exit: { code: 42, reason: 'Error' } }],
    ['exit-0', { exit: { code: 0, reason: 'Completed' } }],
    ['x/my-oom:1', { exit: { code: 137, reason: 'OOMKilled' } }],
    ['x/never-ready@sha256:abc', { failingProbe: 'readiness' }],
    ['x/unschedulable', { unschedulable: '1 Insufficient cpu' }],
  ])('is read from the image %s', (image, scenario) => {
    expect(scenarioOf(image)).toMatchObject(scenario);
  });

  it.each(['crash.example.com/opencode:v1', 'opencode:v1', 'x/crashpad:v1', 'x/bloom:v1', 'not-found/app:v1', ''])(
    'is not read from the image %s',
    (image) => {
      expect(scenarioOf(image)).toEqual({ shows: 'The container runs.' });
    },
  );

  it('is read from the repository of a project, whatever its image', () => {
    const container = (url: string) => ({ image: 'opencode:v1', env: [{ name: 'REPO_URL', value: url }] });
    expect(scenarioOfContainer(container('https://scenarios.example/oom'))).toMatchObject({ exit: { code: 137 } });
    expect(scenarioOfContainer(container('https://git.example/oom'))).toEqual({ shows: 'The container runs.' });
  });

  it('names the image and its registry in the message of a failed pull', () => {
    expect(scenarioOf('registry.example.com/team/unreachable:v9').pull).toEqual({
      failure: expect.stringContaining('lookup registry.example.com: no such host'),
    });
  });
});
