import { describe, expect, it } from 'vitest';

import { KubernetesError } from './kubernetes-error.ts';
import { createRequestGate } from './request-gate.ts';

/** A gate whose clock the test moves, whose pauses are the longest, and whose probes the test answers. */
function setUp({ random = 1 } = {}) {
  const clock = { nowMs: 0 };
  const probes: PromiseWithResolvers<void>[] = [];
  const probe = () => {
    const waiting = Promise.withResolvers<void>();
    probes.push(waiting);
    return waiting.promise;
  };
  const gate = createRequestGate({ probe, now: () => clock.nowMs, random: () => random });
  return { clock, gate, probes };
}

/** Lets everything that was promised already happen. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const noAnswer = new KubernetesError('transient', 'cluster-unreachable', 'The cluster does not answer.', { status: 0 });
const broken = new KubernetesError('transient', 'cluster-error', 'HTTP 500', { status: 500 });
const busy = new KubernetesError('transient', 'cluster-busy', 'Wait.', { status: 429, retryAfterMs: 7_000 });

/** So many requests in a row get no answer. */
function fail(gate: ReturnType<typeof createRequestGate>, times: number): void {
  const underWay = Array.from({ length: times }, () => gate.enter());
  for (const settle of underWay) settle(noAnswer);
}

describe('Retry-After', () => {
  it('silences every request until the time is over', () => {
    const { clock, gate } = setUp();
    gate.enter()(busy);
    clock.nowMs = 6_999;
    expect(() => gate.enter()).toThrow(
      expect.objectContaining({ kind: 'transient', reason: 'cluster-busy', retryAfterMs: 1, sent: false }) as Error,
    );
    clock.nowMs = 7_000;
    expect(gate.closed()).toBeNull();
  });

  it('is not shortened by a later answer that asks for less', () => {
    const { clock, gate } = setUp();
    const [first, second] = [gate.enter(), gate.enter()];
    first(busy);
    second(new KubernetesError('transient', 'cluster-busy', 'Wait.', { status: 429, retryAfterMs: 1_000 }));
    clock.nowMs = 6_000;
    expect(gate.closed()?.retryAfterMs).toBe(1_000);
  });
});

describe('the breaker', () => {
  /** After requests and the first probe have got no answer. */
  async function open(options: { random?: number } = {}) {
    const scene = setUp(options);
    fail(scene.gate, 5);
    scene.probes[0]?.reject(new Error('away'));
    await settled();
    return scene;
  }

  it('sends a probe after five requests in a row without an answer, and closes nothing before that has failed', async () => {
    const { gate, probes } = setUp();
    fail(gate, 4);
    expect(probes).toHaveLength(0);
    fail(gate, 1);
    expect(probes).toHaveLength(1);
    expect(gate.closed()).toBeNull();
    probes[0]?.reject(new Error('away'));
    await settled();
    expect(gate.closed()).toMatchObject({ reason: 'cluster-unreachable', retryAfterMs: 500, sent: false, status: 0 });
    expect(() => gate.enter()).toThrow('The cluster does not answer.');
  });

  it('closes nothing when the probe is answered: only some requests hang', async () => {
    const { gate, probes } = setUp();
    fail(gate, 9);
    expect(probes).toHaveLength(1);
    probes[0]?.resolve();
    await settled();
    expect(gate.closed()).toBeNull();
    fail(gate, 4);
    expect(probes).toHaveLength(1);
  });

  it('counts anew after any answer, be it an error', () => {
    const { gate, probes } = setUp();
    fail(gate, 4);
    gate.enter()(broken);
    fail(gate, 4);
    expect(probes).toHaveLength(0);
  });

  it('sends one probe at a time to find out whether the cluster is back, and then lets everybody pass', async () => {
    const { clock, gate, probes } = await open();
    clock.nowMs = 499;
    expect(gate.closed()).not.toBeNull();
    expect(probes).toHaveLength(1);
    clock.nowMs = 500;
    for (let asked = 0; asked < 3; asked += 1) expect(() => gate.enter()).toThrow('The cluster does not answer.');
    expect(probes).toHaveLength(2);
    probes[1]?.resolve();
    await settled();
    gate.enter();
    gate.enter();
  });

  it('pauses longer after each probe that failed, but never longer than five seconds', async () => {
    const { clock, gate, probes } = await open();
    const pauses = [];
    for (let count = 0; count < 6; count += 1) {
      clock.nowMs += gate.closed()?.retryAfterMs ?? 0;
      gate.closed();
      probes.at(-1)?.reject(new Error('still away'));
      await settled();
      pauses.push(gate.closed()?.retryAfterMs);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
    expect(probes).toHaveLength(7);
  });

  it('lets everybody pass at once when a request that was under way is answered after all', async () => {
    const { gate, probes } = setUp();
    const slow = gate.enter();
    fail(gate, 5);
    probes[0]?.reject(new Error('away'));
    await settled();
    expect(gate.closed()).not.toBeNull();
    slow('answered');
    expect(gate.closed()).toBeNull();
  });

  it('learns nothing from a request that we cut off ourselves', () => {
    const { gate, probes } = setUp();
    fail(gate, 4);
    gate.enter()('cut-off');
    expect(probes).toHaveLength(0);
    fail(gate, 1);
    expect(probes).toHaveLength(1);
  });

  it('spreads its pauses by chance over the upper half of their length', async () => {
    const { clock, gate, probes } = await open({ random: 0 });
    clock.nowMs = 250;
    gate.closed();
    expect(probes).toHaveLength(2);
  });
});
