/** Evidence for a diagnosis: what Kubernetes itself said. Administrators read it below the message. */

import { maxEvidenceText, type Evidence } from '../../../shared/contract/diagnosis.ts';
import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { isoTimeOf } from '../kube/kubernetes-time.ts';

type EvidenceInput = Pick<Evidence, 'source' | 'subject'> & { text: string | undefined } & Partial<
    Pick<Evidence, 'reason' | 'at' | 'count'>
  >;

/** Evidence with its text unchanged, except that white space at the ends is removed and long texts are cut off. */
export function evidenceOf({ text, ...input }: EvidenceInput): Evidence {
  const trimmed = (text ?? '').trim();
  const short = trimmed.length > maxEvidenceText ? `${trimmed.slice(0, maxEvidenceText - 1)}…` : trimmed;
  return { reason: null, at: null, count: null, ...input, text: short.toWellFormed() };
}

export function evidenceOfEvent({ involvedObject, message, reason, at, count }: KubernetesEvent): Evidence {
  return evidenceOf({
    source: 'event',
    subject: involvedObject.container ?? involvedObject.kind.toLowerCase(),
    text: message,
    reason,
    at: isoTimeOf(at),
    count: Math.max(1, Math.floor(count)),
  });
}
