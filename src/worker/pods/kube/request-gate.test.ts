import { describe, expect, it } from 'vitest';

import { createTestClock } from '../../../../tests/support/test-clock.ts';
import { KubernetesError } from './kubernetes-error.ts';
import { createRequestGate } from './request-gate.ts';

/** A gate with a test clock, the longest pauses, and probes that the test answers. */
function setUp({ random = 1 } = {}) {
  const clock = createTestClock();
  const probes: PromiseWithResolvers<void>[] = [];
  const probe = () => {
    const pending = Promise.withResolvers<void>();
    probes.push(pending);
    return pending.promise;
  };
  const gate = createRequestGate({ probe, clock, random: () => random });
  return { clock, gate, probes };
}

/** Lets all promises that are already settled run their callbacks. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const noAnswer = new KubernetesError('transient', 'cluster-unreachable', 'The cluster does not answer.', { status: 0 });
const broken = new KubernetesError('transient', 'cluster-error', 'HTTP 500', { status: 500 });
const busy = new KubernetesError('transient', 'cluster-busy', 'Wait.', { status: 429, retryAfterMs: 7_000 });

/** This many requests in a row get no answer. */
function fail(gate: ReturnType<typeof createRequestGate>, times: number): void {
  const pending = Array.from({ length: times }, () => gate.enter());
  for (const settle of pending) settle(noAnswer);
}

describe('the request gate after a Retry-After', () => {
  it('blocks every request until the time is over', () => {
    const { clock, gate } = setUp();
    gate.enter()(busy);
    clock.advance(6_999);
    expect(() => gate.enter()).toThrow(
      expect.objectContaining({ kind: 'transient', reason: 'cluster-busy', retryAfterMs: 1, sent: false }) as Error,
    );
    clock.advance(1);
    expect(gate.blockedBy()).toBeNull();
  });

  it('keeps the longer time when a later answer asks for a shorter one', () => {
    const { clock, gate } = setUp();
    const [first, second] = [gate.enter(), gate.enter()];
    first(busy);
    second(new KubernetesError('transient', 'cluster-busy', 'Wait.', { status: 429, retryAfterMs: 1_000 }));
    clock.advance(6_000);
    expect(gate.blockedBy()?.retryAfterMs).toBe(1_000);
  });
});

describe('the circuit breaker of the request gate', () => {
  /** Five requests and the first probe have got no answer. */
  async function openCircuit(options: { random?: number } = {}) {
    const setup = setUp(options);
    fail(setup.gate, 5);
    setup.probes[0]?.reject(new Error('no answer'));
    await settled();
    return setup;
  }

  it('sends a probe after five requests in a row without an answer, and blocks requests only after that has failed', async () => {
    const { gate, probes } = setUp();
    fail(gate, 4);
    expect(probes).toHaveLength(0);
    fail(gate, 1);
    expect(probes).toHaveLength(1);
    expect(gate.blockedBy()).toBeNull();
    probes[0]?.reject(new Error('no answer'));
    await settled();
    expect(gate.blockedBy()).toMatchObject({
      reason: 'cluster-unreachable',
      retryAfterMs: 500,
      sent: false,
      status: 0,
    });
    expect(() => gate.enter()).toThrow('The cluster does not answer.');
  });

  it('blocks nothing when the probe is answered, because only some requests hang', async () => {
    const { gate, probes } = setUp();
    fail(gate, 9);
    expect(probes).toHaveLength(1);
    probes[0]?.resolve();
    await settled();
    expect(gate.blockedBy()).toBeNull();
    fail(gate, 4);
    expect(probes).toHaveLength(1);
  });

  it('counts from zero again after any answer, even after an error', () => {
    const { gate, probes } = setUp();
    fail(gate, 4);
    gate.enter()(broken);
    fail(gate, 4);
    expect(probes).toHaveLength(0);
  });

  it('sends one probe at a time during an outage, and allows all requests when a probe is answered', async () => {
    const { clock, gate, probes } = await openCircuit();
    clock.advance(499);
    expect(gate.blockedBy()).not.toBeNull();
    expect(probes).toHaveLength(1);
    clock.advance(1);
    for (let count = 0; count < 3; count += 1) expect(() => gate.enter()).toThrow('The cluster does not answer.');
    expect(probes).toHaveLength(2);
    probes[1]?.resolve();
    await settled();
    gate.enter();
    gate.enter();
  });

  it('pauses longer after each failed probe, but at most five seconds', async () => {
    const { clock, gate, probes } = await openCircuit();
    const pauses = [];
    for (let count = 0; count < 6; count += 1) {
      clock.advance(gate.blockedBy()?.retryAfterMs ?? 0);
      gate.blockedBy();
      probes.at(-1)?.reject(new Error('still no answer'));
      await settled();
      pauses.push(gate.blockedBy()?.retryAfterMs);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
    expect(probes).toHaveLength(7);
  });

  it('allows requests at once when an earlier request is answered after all', async () => {
    const { gate, probes } = setUp();
    const slow = gate.enter();
    fail(gate, 5);
    probes[0]?.reject(new Error('no answer'));
    await settled();
    expect(gate.blockedBy()).not.toBeNull();
    slow('answered');
    expect(gate.blockedBy()).toBeNull();
  });

  it('ignores requests that the worker itself aborted', () => {
    const { gate, probes } = setUp();
    fail(gate, 4);
    gate.enter()('aborted');
    expect(probes).toHaveLength(0);
    fail(gate, 1);
    expect(probes).toHaveLength(1);
  });

  it('chooses each pause at random from the upper half of its length', async () => {
    const { clock, gate, probes } = await openCircuit({ random: 0 });
    clock.advance(250);
    gate.blockedBy();
    expect(probes).toHaveLength(2);
  });
});
