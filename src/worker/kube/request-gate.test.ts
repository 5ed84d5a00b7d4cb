import { describe, expect, it } from 'vitest';

import { KubernetesError } from './kubernetes-error.ts';
import { createRequestGate } from './request-gate.ts';

/** A gate whose clock the test moves, and whose pauses are the longest. */
function setUp() {
  const clock = { nowMs: 0 };
  const gate = createRequestGate({ now: () => clock.nowMs, random: () => 1 });
  return { clock, gate };
}

const noAnswer = new KubernetesError('transient', 'cluster-unreachable', 'The cluster does not answer.', { status: 0 });
const broken = new KubernetesError('transient', 'cluster-error', 'HTTP 500', { status: 500 });
const busy = new KubernetesError('transient', 'cluster-busy', 'Wait.', { status: 429, retryAfterMs: 7_000 });

/** As many requests in a row that get no answer as open the breaker. */
function fail(gate: ReturnType<typeof createRequestGate>, times: number): void {
  for (let count = 0; count < times; count += 1) gate.enter()(noAnswer);
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
  it('opens after five requests in a row without an answer, and says how long', () => {
    const { gate } = setUp();
    fail(gate, 4);
    expect(gate.closed()).toBeNull();
    fail(gate, 1);
    expect(gate.closed()).toMatchObject({ reason: 'cluster-unreachable', retryAfterMs: 500, sent: false, status: 0 });
  });

  it('counts anew after any answer, be it an error', () => {
    const { gate } = setUp();
    fail(gate, 4);
    gate.enter()(broken);
    fail(gate, 4);
    expect(gate.closed()).toBeNull();
  });

  it('lets one request at a time find out whether the cluster is back, and then everybody pass', () => {
    const { clock, gate } = setUp();
    fail(gate, 5);
    clock.nowMs = 500;
    const probe = gate.enter();
    expect(() => gate.enter()).toThrow('The cluster does not answer.');
    probe('answered');
    gate.enter();
    gate.enter();
  });

  it('pauses longer after each probe that failed, but never longer than five seconds', () => {
    const { clock, gate } = setUp();
    fail(gate, 5);
    const pauses = [];
    for (let probes = 0; probes < 6; probes += 1) {
      clock.nowMs += gate.closed()?.retryAfterMs ?? 0;
      gate.enter()(noAnswer);
      pauses.push(gate.closed()?.retryAfterMs);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
  });

  it('learns nothing from a probe that we cut off ourselves: the next request is the probe', () => {
    const { clock, gate } = setUp();
    fail(gate, 5);
    clock.nowMs = 500;
    gate.enter()('cut-off');
    const probe = gate.enter();
    expect(gate.closed()).not.toBeNull();
    probe('answered');
    expect(gate.closed()).toBeNull();
  });

  it('spreads its pauses by chance over the upper half of their length', () => {
    const gate = createRequestGate({ now: () => 0, random: () => 0 });
    const underWay = Array.from({ length: 7 }, () => gate.enter());
    for (const settle of underWay) settle(noAnswer);
    expect(gate.closed()?.retryAfterMs).toBe(1_000); // half of two seconds
  });
});
