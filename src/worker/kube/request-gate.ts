/**
 * Stands before every request of this worker to the cluster, whoever makes it. It keeps silence for as long as the cluster
 * has asked for (Retry-After), and when the cluster does not answer at all it is a circuit breaker: after some failures in
 * a row nothing is sent but a probe of its own, which is about no project. So requests that hang for one project alone
 * hold up the others for a moment at the most.
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
export type RequestOutcome = 'answered' | 'cut-off' | KubernetesError;

/** One lost connection is no outage, and several requests at once may meet the same one. */
const failuresToOpen = 5;
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
  let openUntil = 0;
  let isProbing = false;

  function noteUnanswered(): void {
    unanswered += 1;
    const step = Math.min(firstPauseMs * 2 ** Math.max(unanswered - failuresToOpen, 0), longestPauseMs);
    openUntil = now() + step / 2 + (random() * step) / 2;
  }

  async function findOut(): Promise<void> {
    if (isProbing) return;
    isProbing = true;
    try {
      await probe();
      unanswered = 0;
    } catch {
      noteUnanswered(); // the next one who asks after the pause has it tried again
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
    if (unanswered < failuresToOpen) return null;
    const openMs = openUntil - now();
    if (openMs <= 0) void findOut();
    return new KubernetesError('transient', 'cluster-unreachable', 'The cluster does not answer.', {
      status: 0,
      retryAfterMs: Math.max(openMs, firstPauseMs),
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
        if (outcome === 'answered' || outcome.status !== 0) unanswered = 0;
        else noteUnanswered();
      };
    },
  };
}
