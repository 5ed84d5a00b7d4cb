import { describe, expect, it } from 'vitest';

import { initialContainerStatus } from '../../pod-status.ts';
import { decideContainer, lostStatus, startedStatus, type DecisionInput, type RunState } from './container-decision.ts';

const nowMs = Date.parse('2026-01-01T10:00:00Z');
const container = { name: 'main', image: 'a/opencode:1' };
const pod = { name: 'pod-1', namespace: 'opencode', uid: 'uid' };
const delays = { settleMs: 1_000, backOffMs: 10_000, backOffLimitMs: 300_000 };
const health = { isStarted: true, isReady: true };
const running = startedStatus(
  { container, status: initialContainerStatus(container, false), pod },
  { restartCount: 0, lastState: {}, startedAtMs: nowMs, health },
).status;
const run: RunState = { startedAtMs: nowMs, health, isStopping: false };
const ended = (exitCode: number, reason: 'Completed' | 'Error' | 'OOMKilled' = 'Error'): RunState => ({
  ...run,
  end: { atMs: nowMs, exitCode, reason, message: '' },
});

const decide = (changes: Partial<DecisionInput>) =>
  decideContainer({
    container,
    status: running,
    run,
    crashes: 0,
    restartPolicy: 'Always',
    pod,
    delays,
    nowMs,
    ...changes,
  });

describe('the decision about a container', () => {
  it('starts a new container', () => {
    const decision = decide({ status: initialContainerStatus(container, true), run: undefined });
    expect(decision.action).toEqual({ kind: 'start', restartCount: 0, lastState: {} });
  });

  it('writes what its probes say', () => {
    const decision = decide({ run: { ...run, health: { isStarted: true, isReady: false } } });
    expect(decision).toMatchObject({ status: { started: true, ready: false }, events: [] });
  });

  it('stops it once when a liveness probe has failed', () => {
    const failed: RunState = { ...run, health: { isStarted: true, isReady: false, failed: 'liveness' } };
    expect(decide({ run: failed })).toMatchObject({
      action: { kind: 'stop' },
      events: [{ reason: 'Killing', message: 'Container main failed liveness probe, will be restarted' }],
    });
    expect(decide({ run: { ...failed, isStopping: true } }).action).toBeUndefined();
  });

  it('shows its end, and starts it again after a moment', () => {
    const first = decide({ run: ended(137, 'OOMKilled'), crashes: 1 });
    expect(first).toMatchObject({
      status: { ready: false, state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } },
      retryAfterMs: 1_000,
    });
    const options = { status: first.status, run: ended(137, 'OOMKilled'), crashes: 1 };
    expect(decide({ ...options, nowMs: nowMs + 500 })).toMatchObject({ retryAfterMs: 500 });
    expect(decide({ ...options, nowMs: nowMs + 1_000 }).action).toMatchObject({
      kind: 'start',
      restartCount: 1,
      lastState: { terminated: { exitCode: 137 } },
    });
  });

  it.each([
    [2, 10_000, '10s'],
    [3, 20_000, '20s'],
    [9, 300_000, '5m0s'],
  ])('waits longer after crash %i: %i ms', (crashes, pauseMs, text) => {
    const status = { ...decide({ run: ended(1) }).status, restartCount: 1 };
    const options = { run: ended(1), crashes };
    const decision = decide({ ...options, status, nowMs: nowMs + 1_000 });
    expect(decision).toMatchObject({
      status: { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 1 } } },
      events: [{ reason: 'BackOff' }],
      retryAfterMs: pauseMs,
    });
    expect(JSON.stringify(decision.status)).toContain(`back-off ${text} restarting failed container=main`);
    const later = { ...options, status: decision.status };
    expect(decide({ ...later, nowMs: nowMs + pauseMs - 1 }).action).toBeUndefined();
    expect(decide({ ...later, nowMs: nowMs + pauseMs }).action).toMatchObject({ kind: 'start', restartCount: 2 });
  });

  it('leaves an init container alone that has succeeded', () => {
    const done = decide({ run: ended(0, 'Completed'), restartPolicy: 'OnFailure' }).status;
    expect(
      decide({ status: done, run: ended(0), restartPolicy: 'OnFailure', nowMs: nowMs + 9_000 }).action,
    ).toBeUndefined();
  });

  it('starts a container of an earlier kubelet again, as after a restart of its node', () => {
    const status = lostStatus(running, { hasInits: true, nowMs });
    expect(status).toMatchObject({ ready: false, state: { waiting: { reason: 'PodInitializing' } } });
    expect(decide({ status, run: undefined }).action).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 255, reason: 'Unknown' } },
    });
  });
});
