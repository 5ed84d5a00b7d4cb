/**
 * Diagnoses an error answer of the Kubernetes API: the cause, what happens next, who must act, and whether to try again. The
 * structured facts come first: the HTTP status, `reason`, and `details` with its kind and causes.
 */

import type { Evidence } from '../../../shared/contract/diagnosis.ts';
import { reasonFacts } from '../../../shared/contract/reasons.ts';
import { evidenceOf } from './evidence.ts';
import type { Answer, ApiAnswer, RefusalTexts } from './refusal.ts';
import { invalidRefusal } from './refused-as-invalid.ts';
import { admissionRefusal } from './refused-by-admission.ts';
import { causeUnknown, quoted } from './report-text.ts';

interface Refusal extends Required<RefusalTexts> {
  evidence: Evidence[];
}

const retries = 'The worker tries again by itself.';

/** @param answer an answer with an error status */
export function diagnoseRefusal({ status, reason = '', message = '', details }: ApiAnswer): Refusal {
  const text = message.replace(/\s+/g, ' ').trim();
  const cause = /^(?:\S+(?: "[^"]*")? is )?forbidden: (.*)$/i.exec(text)?.[1] ?? text;
  const texts = textsByStatus({
    status,
    reason,
    text,
    cause,
    kind: details?.kind ?? '',
    causes: details?.causes ?? [],
  });
  return {
    actor: reasonFacts[texts.reason].actor,
    ...texts,
    evidence:
      text === ''
        ? []
        : [evidenceOf({ source: 'cluster', subject: `HTTP ${status}`, text: message, reason: reason || null })],
  };
}

/** The statuses are those of `apimachinery/pkg/api/errors`. A webhook may answer with any status, so its rules come first. */
function textsByStatus(answer: Answer): RefusalTexts {
  const { status } = answer;
  const byAdmission = status >= 400 && status !== 401 ? (failedWebhook(answer) ?? admissionRefusal(answer)) : null;
  if (byAdmission) return byAdmission;
  switch (status) {
    case 400:
    case 422:
      return invalidRefusal(answer);
    case 401:
      return {
        reason: 'unauthorized',
        message: 'The cluster does not accept our credentials.',
        nextStep: 'An administrator must renew them. The worker then continues by itself.',
        kind: 'transient',
      };
    case 403:
      return refused(answer);
    case 404:
      return notFound(answer);
    case 405:
    case 406:
    case 415:
      return unsupported();
    case 408:
    case 504:
      return {
        ...busy('The cluster did not finish the request in time.'),
        // Several webhooks that do not answer use up the time of the request together, also those that may fail.
        nextStep: `${retries} If this continues, an administrator must check the policy checks (webhooks) and the load of the cluster.`,
      };
    case 409:
      return conflict(answer);
    case 410:
      return {
        reason: 'cluster-error',
        message: 'The request asked for a version that is too old for the cluster.',
        nextStep: retries,
        kind: 'gone',
        actor: 'nobody',
      };
    case 413:
      return tooLarge();
    case 429:
      return tooManyRequests(answer);
    default:
      return serverError(answer);
  }
}

/** `admission/plugin/webhook/errors`: the API server could not call a webhook whose `failurePolicy` is `Fail`. */
function failedWebhook({ text }: Answer): RefusalTexts | null {
  // A policy may quote these words. The API server puts nothing else in front of them.
  const failed = /^(?:internal error occurred: )*failed calling (?:admission )?webhook (?:"([^"]+)")?(.*)$/i.exec(text);
  if (!failed) return null;
  // The address ends with `?timeout=10s`.
  const problem = (failed[2] ?? '').replace(/"[^"]*"|\S+:\/\/\S+/g, '');
  const name = failed[1] === undefined ? '' : `, "${failed[1]}",`;
  return {
    reason: 'admission-unavailable',
    message: `A policy check of the cluster (webhook)${name} ${webhookProblem(problem)}.`,
    nextStep: `${retries} If this continues, an administrator must check the webhook.`,
    kind: 'transient',
  };
}

function webhookProblem(text: string): string {
  if (/deadline exceeded|timed? ?out/i.test(text)) return 'did not answer in time';
  if (/x509|certificate/i.test(text)) return 'has a certificate that the cluster does not trust';
  if (/no endpoints available/i.test(text)) return 'is not running';
  if (/service "?[\w.-]*"? ?not found/i.test(text)) return 'has no service in the cluster';
  // Go `net.OpError`. Its port is no HTTP status.
  if (/\bdial \w+|\blookup\b|connection (?:refused|reset)/i.test(text)) return 'could not be reached';
  if (/error on the server|unexpected response|invalid|expected|unauthori[sz]ed|\b[45]\d\d\b/i.test(text)) {
    return 'answers with an error';
  }
  return /dial|lookup|connect|unreachable|no agent|\bEOF\b/i.test(text) ? 'could not be reached' : 'failed';
}

/** 403 without a known cause: authorizers and admission plugins may answer it for any reason. */
function refused({ cause }: Answer): RefusalTexts {
  return {
    reason: 'refused',
    message: `The cluster refused the request. ${quoted(cause)}`.trim(),
    nextStep: `${causeUnknown('what refuses it')} Within a minute, the worker then continues by itself.`,
    kind: 'transient',
  };
}

function notFound({ kind, reason, text }: Answer): RefusalTexts {
  // `NamespaceLifecycle` answers with the namespace itself as the object that is missing.
  if (kind === 'namespaces' || /^namespaces "/i.test(text)) {
    return {
      reason: 'namespace-missing',
      message: `The namespace ${/"([^"]+)"/.exec(text)?.[1] ?? 'of the projects'} was not found in the cluster.`,
      nextStep: 'An administrator must create it.',
      kind: 'terminal',
    };
  }
  // `NewGenericServerResponse`: the API does not serve the path. The object may well exist.
  if (/could not find the requested resource/i.test(text)) return unsupported();
  // A proxy or a wrong address answers without a Status object. That says nothing about the object.
  if (reason === '' && text === '') return serverError({ status: 404, text });
  return {
    reason: 'pod-gone',
    message: 'The object was not found in the cluster.',
    nextStep: retries,
    kind: 'not-found',
  };
}

function unsupported(): RefusalTexts {
  return {
    reason: 'api-unsupported',
    message: 'The cluster does not offer a function that the project manager needs.',
    nextStep: 'An administrator must check the address and the version of the cluster.',
    kind: 'terminal',
  };
}

function tooLarge(): RefusalTexts {
  return {
    reason: 'request-too-large',
    message: 'The request is larger than the cluster accepts.',
    nextStep: 'An administrator must make the settings of the pod shorter, or raise the limit of the cluster.',
    kind: 'terminal',
  };
}

function conflict({ reason, kind, text }: Answer): RefusalTexts {
  // `registry/generic/registry/store.go`: a create meets an object of this name that still terminates.
  if (/object is being deleted/i.test(text)) {
    const message = 'An object with this name already exists and is still being deleted.';
    return { reason: 'cluster-busy', message, nextStep: retries, kind: 'conflict' };
  }
  if (reason === 'AlreadyExists') {
    return {
      reason: 'name-conflict',
      message: 'An object with this name already exists.',
      nextStep: 'The worker checks the object and decides by itself.',
      kind: 'already-exists',
      actor: 'nobody',
    };
  }
  // Quota admission gives up after three conflicting updates of the quota. At once, the next try meets the same crowd.
  if (kind === 'resourcequotas')
    return busy('Many objects were created at once, so the cluster could not count its quota.');
  return {
    reason: 'cluster-busy',
    message: 'Another program changed the object at the same time.',
    nextStep: retries,
    kind: 'conflict',
  };
}

function tooManyRequests({ causes, text }: Answer): RefusalTexts {
  // The eviction subresource sets the cause `DisruptionBudget`.
  if (causes.some(({ reason }) => reason === 'DisruptionBudget') || /disruption budget/i.test(text)) {
    return {
      reason: 'eviction-blocked',
      message: 'The pod stays on its node because a disruption budget protects it.',
      nextStep: retries,
      kind: 'transient',
    };
  }
  return busy('The cluster is busy and asks us to wait.');
}

function busy(message: string): RefusalTexts {
  return { reason: 'cluster-busy', message, nextStep: retries, kind: 'transient' };
}

function serverError({ status, text }: Pick<Answer, 'status' | 'text'>): RefusalTexts {
  if (/quota evaluation timed out/i.test(text)) return busy('The cluster did not count its quota in time.');
  // etcd's `--max-request-bytes`, and gRPC's limit in the client of the API server.
  if (/request is too large|message larger than max|entity too large/i.test(text)) return tooLarge();
  const isFull = /database space exceeded/i.test(text);
  return {
    reason: 'cluster-error',
    message: isFull
      ? `The cluster answered with an error (HTTP ${status}): its database is full.`
      : `The cluster answered with an error (HTTP ${status}). ${quoted(text)}`.trim(),
    nextStep: isFull
      ? `An administrator must make room in the database of the cluster (etcd). ${retries}`
      : `${retries} If this continues, an administrator must check the cluster.`,
    kind: 'transient',
  };
}
