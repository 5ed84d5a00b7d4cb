/**
 * Stands before every request of this worker to the cluster, whoever makes it. It keeps silence for as long as the cluster
 * has asked for (Retry-After). And it is a circuit breaker: when some requests in a row got no answer it sends a probe of
 * its own, which is about no project, and while that gets no answer either nothing is sent but such probes. So requests
 * that hang for some projects alone hold up no others.
 */

import { KubernetesError } from './kubernetes-error.ts';

export interface RequestGate {
  /**
   * Asks to send one request. The returned function must be called once with how it ended.
   * @throws KubernetesError transient, `sent: false`, with the time after which to ask again
   */
  enter(): (outcome: RequestOutcome) => void;
  /** The error that {@link enter} would throw now, or `null` when a request may pass. Who asks after a pause starts the probe. */
  closed(): KubernetesError | null;
}

/** `cut-off`: we ended it ourselves, so it says nothing of the cluster. */
type RequestOutcome = 'answered' | 'cut-off' | KubernetesError;

/** One lost connection is no outage, and several requests at once may meet the same one. */
const failuresToProbe = 5;
const firstPauseMs = 500;
/** Short enough that projects go on within seconds of the cluster's return. */
const longestPauseMs = 5_000;

export function createRequestGate(options: {
  /** Asks the cluster for anything that is there in any cluster; resolves when it answers, whatever it says. */
  probe: () => Promise<unknown>;
  /** Milliseconds from any origin. */
  now: () => number;
  random: () => number;
}): RequestGate {
  const { probe, now, random } = options;
  let quietUntil = 0;
  /** Requests in a row that got no answer. */
  let unanswered = 0;
  /** Probes in a row that got none; from the first one on the circuit is open. */
  let failedProbes = 0;
  let nextProbeAt = 0;
  let isProbing = false;

  function noteAnswer(): void {
    unanswered = 0;
    failedProbes = 0;
  }

  async function findOut(): Promise<void> {
    if (isProbing) return;
    isProbing = true;
    try {
      await probe();
      noteAnswer();
    } catch {
      // The next one who asks after the pause has it tried again.
      const step = Math.min(firstPauseMs * 2 ** failedProbes, longestPauseMs);
      failedProbes += 1;
      nextProbeAt = now() + step / 2 + (random() * step) / 2;
    } finally {
      isProbing = false;
    }
  }

  function closed(): KubernetesError | null {
    const quietMs = quietUntil - now();
    if (quietMs > 0) {
      return new KubernetesError('transient', 'cluster-busy', 'The cluster is busy and asks us to wait.', {
        status: 429,
        retryAfterMs: quietMs,
        sent: false,
      });
    }
    if (failedProbes === 0) return null;
    const pauseMs = nextProbeAt - now();
    if (pauseMs <= 0) void findOut();
    return new KubernetesError('transient', 'cluster-unreachable', 'The cluster does not answer.', {
      status: 0,
      retryAfterMs: Math.max(pauseMs, firstPauseMs),
      sent: false,
    });
  }

  return {
    closed,
    enter() {
      const refusal = closed();
      if (refusal) throw refusal;
      return (outcome) => {
        if (outcome === 'cut-off') return;
        if (outcome !== 'answered' && outcome.retryAfterMs !== null) {
          quietUntil = Math.max(quietUntil, now() + outcome.retryAfterMs);
        }
        if (outcome === 'answered' || outcome.status !== 0) return noteAnswer();
        unanswered += 1;
        if (unanswered >= failuresToProbe && failedProbes === 0) void findOut();
      };
    },
  };
}
