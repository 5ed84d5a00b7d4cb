/** An answer of the Kubernetes API that is no success, in words: which reason it is, what happens next, who must act. */

import type { Actor, Evidence } from '../../../shared/contract/diagnosis.ts';
import { reasonFacts, type ReasonCode } from '../../../shared/contract/reasons.ts';
import { listed, piece } from './pod-snapshot.ts';

export interface Answer {
  /** HTTP status. */
  status: number;
  /** Of the Status object, where there is one. */
  reason?: string | undefined;
  message?: string | undefined;
  /** Reasons of `details.causes`. */
  causes?: string[] | undefined;
}

export interface Refusal {
  reason: ReasonCode;
  message: string;
  nextStep: string;
  actor: Actor;
  evidence: Evidence[];
}

export function diagnoseRefusal(answer: Answer): Refusal {
  const { status, reason, message = '' } = answer;
  const text = message.replace(/\s+/g, ' ').trim();
  const evidence = text === '' ? [] : [piece('cluster', `HTTP ${status}`, message, { reason: reason ?? null })];
  const make = (code: ReasonCode, summary: string, nextStep: string): Refusal => ({
    reason: code,
    message: summary,
    nextStep,
    actor: reasonFacts[code].actor,
    evidence,
  });
  const again = 'It is tried again by itself.';

  switch (status) {
    case 401:
      return make(
        'unauthorized',
        'The cluster does not accept our credentials.',
        'An administrator must renew them; it goes on by itself then.',
      );
    case 403:
      return diagnoseForbidden(text, make);
    case 404:
      return /^namespaces /i.test(text)
        ? make(
            'namespace-missing',
            `The namespace ${/"([^"]+)"/.exec(text)?.[1] ?? 'of the projects'} was not found in the cluster.`,
            'An administrator must create it.',
          )
        : make('pod-gone', 'The object was not found in the cluster.', again);
    case 409:
      return reason === 'AlreadyExists'
        ? {
            ...make('name-conflict', 'An object of this name exists already.', 'What is there decides what follows.'),
            actor: 'nobody',
          }
        : make('cluster-busy', 'Somebody changed the object at the same time.', again);
    case 410:
      return make('cluster-error', 'What was asked for is too old for the cluster.', again);
    case 400:
    case 422:
      return make(
        'invalid-spec',
        `The cluster finds the ${text.startsWith('PersistentVolumeClaim') ? 'volume' : 'pod or its volume'} invalid${invalidPart(text)}.`,
        'An administrator must correct the settings.',
      );
    case 429:
      return answer.causes?.includes('DisruptionBudget') || /disruption budget/i.test(text)
        ? make('eviction-blocked', 'The pod stays where it is: a disruption budget keeps it.', again)
        : make('cluster-busy', 'The cluster is busy and asks us to wait.', again);
    default:
      if (/failed calling webhook/i.test(text)) {
        const isSlow = /deadline exceeded|timeout|timed out/i.test(text);
        return make(
          'admission-unavailable',
          `A policy check of the cluster (webhook) ${isSlow ? 'did not answer in time' : 'could not be asked'}.`,
          `${again} If it stays so, an administrator must look at the webhook.`,
        );
      }
      return make(
        'cluster-error',
        `The cluster answered with an error (HTTP ${status}).`,
        `${again} If it stays so, an administrator must look at the cluster.`,
      );
  }
}

function diagnoseForbidden(
  text: string,
  make: (code: ReasonCode, message: string, nextStep: string) => Refusal,
): Refusal {
  if (/exceeded quota|must specify limits|failed quota/i.test(text)) {
    const what = listed(quotaResources(text));
    return make(
      'quota-exceeded',
      `The cluster's quota ${what === '' ? '' : `of ${what} `}is used up.`,
      'An administrator must raise it, or something must be stopped or deleted; then retry.',
    );
  }
  if (/admission webhook|denied the request|violates PodSecurity|ValidatingAdmissionPolicy/i.test(text)) {
    return make(
      'admission-denied',
      'A policy of the cluster denied the pod.',
      'An administrator must look at the policy and at the settings; then retry.',
    );
  }
  if (/no PriorityClass with name/i.test(text)) {
    return make(
      'forbidden',
      `The cluster does not know the priority class ${/name (\S+)/.exec(text)?.[1] ?? ''} that the pod asks for.`,
      'An administrator must create it or change the settings; then retry.',
    );
  }
  const cannot = /cannot (\w+) resource "([\w/]+)"/.exec(text);
  // A namespace on its way out refuses creates with 403 and goes on to vanish: an administrator may be replacing it.
  return make(
    'forbidden',
    `The worker lacks a permission in the cluster${cannot ? `: it may not ${cannot[1]} ${cannot[2]}` : ''}.`,
    'An administrator must grant it; then retry.',
  );
}

/** "limits.memory=1280Mi,requests.cpu=150m" as "memory" and "cpu". */
function quotaResources(text: string): string[] {
  const requested = /requested: ([^ ]+(?:,[^ ]+)*)/.exec(text)?.[1] ?? '';
  const names = requested
    .split(',')
    .map((part) => (part.split('=')[0] ?? '').replace(/^(requests|limits|count)[./]/, ''));
  return [...new Set(names.filter((name) => /^[\w.\-/]{1,60}$/.test(name)))];
}

/** Which field of the spec is wrong, in words where it has some. */
function invalidPart(text: string): string {
  const words: Record<string, string> = { image: 'its image', resources: 'its CPU or memory', storage: 'its size' };
  const named = [
    /\.image\b/.test(text) && 'image',
    /memory limit|\.resources\b(?!.*storage)/.test(text) && 'resources',
    /storage\b/.test(text) && 'storage',
  ];
  const parts = named.flatMap((name) => (name ? [words[name] ?? name] : []));
  return parts.length === 0 ? '' : ` (${listed(parts)})`;
}
