/** The output of the diagnosis engine: what a pod is doing, why, and who must act. */

import { maxEvidence, type Actor, type Evidence } from '../../../shared/contract/diagnosis.ts';
import { reasonFacts, type ReasonCode } from '../../../shared/contract/reasons.ts';

export interface Diagnosis {
  /**
   * - `failing`: Kubernetes keeps retrying, but something must be fixed.
   * - `failed`: this pod never runs again.
   * - `lost`: the cluster removed the pod, or is about to, without a request of ours. A new pod replaces it.
   */
  state: 'starting' | 'ready' | 'failing' | 'failed' | 'lost' | 'stopping';
  reason: ReasonCode;
  /** What is happening, and to which object. */
  message: string;
  /** What happens next by itself, or what to do. */
  nextStep: string;
  actor: Actor;
  /** Since when the reason holds, as an ISO time; `null` when Kubernetes does not say. */
  since: string | null;
  /** The ISO time at which the passing of time alone changes this diagnosis; `null`: never. */
  recheckAt: string | null;
  evidence: Evidence[];
}

type DiagnosisInput = Pick<Diagnosis, 'state' | 'reason' | 'message' | 'nextStep'> &
  Partial<Pick<Diagnosis, 'actor' | 'since' | 'recheckAt' | 'evidence'>>;

/** Fills in the defaults: the actor comes from the table of reasons unless it is given. */
export function createDiagnosis({ evidence = [], ...input }: DiagnosisInput): Diagnosis {
  return {
    actor: reasonFacts[input.reason].actor,
    since: null,
    recheckAt: null,
    ...input,
    evidence: evidence.slice(0, maxEvidence),
  };
}
