/** Diagnoses an error answer of the Kubernetes API: the reason, what happens next, and who must act. */

import type { Actor, Evidence } from '../../../shared/contract/diagnosis.ts';
import { reasonFacts, type ReasonCode } from '../../../shared/contract/reasons.ts';
import { evidenceOf } from './evidence.ts';
import { joinWithAnd } from './join-with-and.ts';

interface ApiAnswer {
  /** HTTP status. */
  status: number;
  /** `reason` and `message` of the Status object, if the answer has one. */
  reason?: string | undefined;
  message?: string | undefined;
  /** The reasons in `details.causes` of the Status object. */
  causes?: string[] | undefined;
}

interface Refusal {
  reason: ReasonCode;
  message: string;
  nextStep: string;
  actor: Actor;
  evidence: Evidence[];
}

type RefusalTexts = Pick<Refusal, 'reason' | 'message' | 'nextStep'> & { actor?: Actor };

const retries = 'The worker tries again by itself.';

/** @param answer an answer with an error status */
export function diagnoseRefusal(answer: ApiAnswer): Refusal {
  const { status, reason = null, message = '' } = answer;
  const text = message.replace(/\s+/g, ' ').trim();
  const texts = textsByStatus(answer, text);
  return {
    actor: reasonFacts[texts.reason].actor,
    ...texts,
    evidence: text === '' ? [] : [evidenceOf({ source: 'cluster', subject: `HTTP ${status}`, text: message, reason })],
  };
}

/** @param text the message on one line */
function textsByStatus(answer: ApiAnswer, text: string): RefusalTexts {
  switch (answer.status) {
    case 401:
      return {
        reason: 'unauthorized',
        message: 'The cluster does not accept our credentials.',
        nextStep: 'An administrator must renew them. The worker then continues by itself.',
      };
    case 403:
      return forbidden(text);
    case 404:
      return notFound(text);
    case 409:
      return conflict(answer);
    case 410:
      return {
        reason: 'cluster-error',
        message: 'The request asked for a version that is too old for the cluster.',
        nextStep: retries,
      };
    case 400:
    case 422:
      return invalid(text);
    case 429:
      return busy(answer, text);
    default:
      return serverError(answer.status, text);
  }
}

function forbidden(text: string): RefusalTexts {
  if (/exceeded quota|must specify limits|failed quota/i.test(text)) {
    const resources = joinWithAnd(quotaResources(text));
    return {
      reason: 'quota-exceeded',
      message: `The cluster's quota ${resources === '' ? '' : `of ${resources} `}is used up.`,
      nextStep: 'An administrator must raise it, or something must be stopped or deleted. Then retry.',
    };
  }
  if (/admission webhook|denied the request|violates PodSecurity|ValidatingAdmissionPolicy/i.test(text)) {
    return {
      reason: 'admission-denied',
      message: 'A policy of the cluster denied the pod.',
      nextStep: 'An administrator must check the policy and the settings. Then retry.',
    };
  }
  if (/no PriorityClass with name/i.test(text)) {
    return {
      reason: 'forbidden',
      message: `The cluster does not have the priority class ${/name (\S+)/.exec(text)?.[1] ?? ''} that the pod requires.`,
      nextStep: 'An administrator must create it or change the settings. Then retry.',
    };
  }
  // A namespace that is being deleted also refuses creates with 403. An administrator may be replacing it.
  const permission = /cannot (\w+) resource "([\w/]+)"/.exec(text);
  return {
    reason: 'forbidden',
    message: `The worker lacks a permission in the cluster${permission ? `: it may not ${permission[1]} ${permission[2]}` : ''}.`,
    nextStep: 'An administrator must grant it. Then retry.',
  };
}

/** The resources of a quota message: "limits.memory=1280Mi,requests.cpu=150m" gives "memory" and "cpu". */
function quotaResources(text: string): string[] {
  const requested = /requested: ([^ ]+(?:,[^ ]+)*)/.exec(text)?.[1] ?? '';
  const names = requested
    .split(',')
    .map((part) => (part.split('=')[0] ?? '').replace(/^(requests|limits|count)[./]/, ''));
  return [...new Set(names.filter((name) => /^[\w.\-/]{1,60}$/.test(name)))];
}

function notFound(text: string): RefusalTexts {
  if (/^namespaces /i.test(text)) {
    return {
      reason: 'namespace-missing',
      message: `The namespace ${/"([^"]+)"/.exec(text)?.[1] ?? 'of the projects'} was not found in the cluster.`,
      nextStep: 'An administrator must create it.',
    };
  }
  return { reason: 'pod-gone', message: 'The object was not found in the cluster.', nextStep: retries };
}

function conflict({ reason }: ApiAnswer): RefusalTexts {
  if (reason === 'AlreadyExists') {
    return {
      reason: 'name-conflict',
      message: 'An object with this name already exists.',
      nextStep: 'The worker checks the object and decides by itself.',
      actor: 'nobody',
    };
  }
  return {
    reason: 'cluster-busy',
    message: 'Another program changed the object at the same time.',
    nextStep: retries,
  };
}

function invalid(text: string): RefusalTexts {
  const object = text.startsWith('PersistentVolumeClaim') ? 'volume' : 'pod or its volume';
  const fields = joinWithAnd(invalidFields(text));
  return {
    reason: 'invalid-spec',
    message: `The cluster says that the ${object} is invalid${fields === '' ? '' : ` (${fields})`}.`,
    nextStep: 'An administrator must correct the settings.',
  };
}

function invalidFields(text: string): string[] {
  return [
    ...(/\.image\b/.test(text) ? ['its image'] : []),
    ...(/memory limit|\.resources\b(?!.*storage)/.test(text) ? ['its CPU or memory'] : []),
    ...(/storage\b/.test(text) ? ['its size'] : []),
  ];
}

function busy({ causes }: ApiAnswer, text: string): RefusalTexts {
  if (causes?.includes('DisruptionBudget') || /disruption budget/i.test(text)) {
    return {
      reason: 'eviction-blocked',
      message: 'The pod stays on its node because a disruption budget protects it.',
      nextStep: retries,
    };
  }
  return { reason: 'cluster-busy', message: 'The cluster is busy and asks us to wait.', nextStep: retries };
}

function serverError(status: number, text: string): RefusalTexts {
  if (/failed calling webhook/i.test(text)) {
    const isSlow = /deadline exceeded|timeout|timed out/i.test(text);
    return {
      reason: 'admission-unavailable',
      message: `A policy check of the cluster (webhook) ${isSlow ? 'did not answer in time' : 'could not be reached'}.`,
      nextStep: `${retries} If this continues, an administrator must check the webhook.`,
    };
  }
  return {
    reason: 'cluster-error',
    message: `The cluster answered with an error (HTTP ${status}).`,
    nextStep: `${retries} If this continues, an administrator must check the cluster.`,
  };
}
