import { describe, expect, it } from 'vitest';

import type { JsonObject, KubeObject } from '../../../api/kube-object.ts';
import { containerLog } from './container-log.ts';

const startedAt = '2026-01-01T00:00:00Z';
const startedAtMs = Date.parse(startedAt);

const podWith = (status: JsonObject): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'pod', uid: 'u', resourceVersion: '1', creationTimestamp: startedAt },
  spec: { containers: [{ name: 'main', image: 'app:v1', ports: [{ containerPort: 3000 }] }] },
  status: { containerStatuses: [{ name: 'main', ...status }] },
});
const texts = (pod: KubeObject, options: { previous?: boolean; afterMs?: number } = {}): string[] =>
  containerLog(pod, 'main', { previous: options.previous ?? false, nowMs: startedAtMs + (options.afterMs ?? 0) }).map(
    ({ text }) => text,
  );

describe('the simulated log of a container', () => {
  const running = podWith({ ready: true, state: { running: { startedAt } } });

  it('says in its first line that no container runs', () => {
    expect(texts(running)[0]).toContain('no container runs');
    expect(texts(running)).toContain('listening on 0.0.0.0:3000');
  });

  it('grows with time, stays in order and has at most a hundred lines of activity', () => {
    expect(texts(running, { afterMs: 25_000 }).length).toBe(texts(running).length + 2);
    const lines = containerLog(running, 'main', { previous: false, nowMs: startedAtMs + 1e9 });
    expect(lines.length).toBeLessThan(110);
    const times = lines.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((left, right) => left - right));
  });

  it('shows how the last run ended while the container waits for its restart', () => {
    const terminated = { exitCode: 137, reason: 'OOMKilled', startedAt, finishedAt: '2026-01-01T00:00:09Z' };
    const crashed = podWith({
      ready: false,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated },
    });
    expect(texts(crashed).at(-1)).toBe('fatal: out of memory');
    const restarted = podWith({
      ready: false,
      state: { running: { startedAt } },
      lastState: { terminated: { ...terminated, reason: 'Error', exitCode: 3 } },
    });
    expect(texts(restarted, { previous: true }).at(-1)).toBe('error: main stopped with exit code 3');
    expect(texts(restarted).join()).not.toContain('stopped');
  });

  it('is empty before the first start of the container', () => {
    expect(texts(podWith({ ready: false, state: { waiting: { reason: 'ContainerCreating' } } }))).toEqual([]);
  });
});
