/**
 * Decides whether a request to the cluster may be sent now. Every request of this worker passes here, so the gate can do
 * two things:
 * - It waits for as long as the cluster has asked for (Retry-After).
 * - It is a circuit breaker. When several requests in a row got no answer, it sends a probe. While probes get no answer,
 *   it sends nothing else. The probe concerns no project, so requests that hang for some projects do not block others.
 */

import type { Clock } from '../../../shared/clock.ts';
import { KubernetesError } from './kubernetes-error.ts';

interface RequestGate {
  /**
   * Call it before each request. The returned function must be called once, with the outcome of the request.
   * @throws KubernetesError transient, `sent: false`, with the time to wait
   */
  enter(): (outcome: RequestOutcome) => void;
  /**
   * The error that {@link enter} would throw now; `null` when a request may be sent. When a pause between probes is over,
   * it starts the next probe.
   */
  blockedBy(): KubernetesError | null;
}

/** `aborted`: the worker itself ended the request, so the outcome says nothing about the cluster. */
type RequestOutcome = 'answered' | 'aborted' | KubernetesError;

/** One lost connection is no outage, and several concurrent requests may share a connection. */
const failuresToProbe = 5;
const firstPauseMs = 500;
/** Short enough that projects continue within seconds after an outage. */
const longestPauseMs = 5_000;

export function createRequestGate(deps: {
  /** Requests something that exists in every cluster. Resolves when the cluster answers, whatever the answer is. */
  probe: () => Promise<unknown>;
  clock: Clock;
  random: () => number;
}): RequestGate {
  const { probe, clock, random } = deps;
  /** The end of the time that the cluster has asked us to wait, on the monotonic clock. */
  let quietUntil = 0;
  /** Requests in a row without an answer. */
  let unanswered = 0;
  /** Probes in a row without an answer. While there is one, the gate blocks requests. */
  let failedProbes = 0;
  let nextProbeAt = 0;
  let isProbing = false;

  function recordAnswer(): void {
    unanswered = 0;
    failedProbes = 0;
  }

  async function runProbe(): Promise<void> {
    if (isProbing) return;
    isProbing = true;
    try {
      await probe();
      recordAnswer();
    } catch {
      // The first request after the pause starts the next probe.
      const pauseMs = Math.min(firstPauseMs * 2 ** failedProbes, longestPauseMs);
      failedProbes += 1;
      nextProbeAt = clock.monotonic() + pauseMs / 2 + (random() * pauseMs) / 2;
    } finally {
      isProbing = false;
    }
  }

  function blockedBy(): KubernetesError | null {
    const quietMs = quietUntil - clock.monotonic();
    if (quietMs > 0) {
      return new KubernetesError('transient', 'cluster-busy', 'The cluster is busy and asks us to wait.', {
        status: 429,
        retryAfterMs: quietMs,
        sent: false,
      });
    }
    if (failedProbes === 0) return null;
    const pauseMs = nextProbeAt - clock.monotonic();
    if (pauseMs <= 0) void runProbe();
    return new KubernetesError('transient', 'cluster-unreachable', 'The cluster does not answer.', {
      status: 0,
      retryAfterMs: Math.max(pauseMs, firstPauseMs),
      sent: false,
    });
  }

  function settle(outcome: RequestOutcome): void {
    if (outcome === 'aborted') return;
    if (outcome !== 'answered' && outcome.retryAfterMs !== null) {
      quietUntil = Math.max(quietUntil, clock.monotonic() + outcome.retryAfterMs);
    }
    if (outcome === 'answered' || outcome.status !== 0) return recordAnswer();
    unanswered += 1;
    if (unanswered >= failuresToProbe && failedProbes === 0) void runProbe();
  }

  return {
    blockedBy,
    enter() {
      const refusal = blockedBy();
      if (refusal) throw refusal;
      return settle;
    },
  };
}
