/**
 * One classifier for everything that can go wrong between us and the Kubernetes API. Whoever catches one of these knows
 * whether to try again, when, and what to tell people.
 */
import { ApiException } from '@kubernetes/client-node';
import { z } from 'zod';

import type { ReasonCode } from '../../shared/contract/reasons.ts';

export type KubernetesErrorKind = 'not-found' | 'already-exists' | 'conflict' | 'gone' | 'transient' | 'terminal';

export class KubernetesError extends Error {
  override readonly name = 'KubernetesError';
  readonly kind: KubernetesErrorKind;
  /** Why, for the project; the message is the sentence beside it. */
  readonly reason: ReasonCode;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Nothing may be sent before this time has passed; `null` when the API did not say. */
  readonly retryAfterMs: number | null;
  /** `false`: our own gate held the request back, so it is no attempt. */
  readonly sent: boolean;

  constructor(
    kind: KubernetesErrorKind,
    reason: ReasonCode,
    message: string,
    options: { status: number; retryAfterMs?: number | null; sent?: boolean; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.reason = reason;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.sent = options.sent ?? true;
  }
}

const statusSchema = z.object({
  kind: z.literal('Status').optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  code: z.number().optional(),
  details: z.object({ retryAfterSeconds: z.number().optional() }).nullish(),
});

/** Turns whatever the client threw into a {@link KubernetesError}. */
export function toKubernetesError(error: unknown): KubernetesError {
  if (error instanceof KubernetesError) return error;
  if (error instanceof ApiException) {
    return fromResponse({
      status: error.code,
      body: error.body,
      retryAfter: error.headers['retry-after'],
      cause: error,
    });
  }
  if (error instanceof z.ZodError || error instanceof SyntaxError) {
    return new KubernetesError('transient', 'cluster-error', "The cluster's answer could not be read.", {
      status: 200,
      cause: error,
    });
  }
  // Why, and at which address, is for the log: people read only what it means for them.
  return new KubernetesError('transient', 'cluster-unreachable', 'The cluster does not answer.', {
    status: 0,
    cause: error,
  });
}

/** Classifies an answer of the API by its HTTP status and its Status object; the body may be anything. */
export function fromResponse(response: {
  status: number;
  body: unknown;
  retryAfter?: string | null | undefined;
  cause?: unknown;
}): KubernetesError {
  const { status } = response;
  const parsed = statusSchema.safeParse(parseJson(response.body));
  const answer = parsed.success ? parsed.data : {};
  const text = (answer.message ?? '').replace(/\s+/g, ' ').slice(0, 500);
  const seconds = answer.details?.retryAfterSeconds ?? Number.parseFloat(response.retryAfter ?? '');
  const options = {
    status,
    retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : null,
    cause: response.cause,
  };
  const make = (kind: KubernetesErrorKind, reason: ReasonCode, sentence: string) =>
    new KubernetesError(kind, reason, sentence, options);
  const quoted = text === '' ? '' : ` Kubernetes says: ${text}`;

  if (status === 401) {
    return make(
      'transient',
      'unauthorized',
      'The cluster does not accept our credentials. An administrator must renew them.',
    );
  }
  if (status === 403) {
    if (/exceeded quota/i.test(text)) {
      return make(
        'terminal',
        'quota-exceeded',
        `The cluster's quota is used up. An administrator must raise it, or something must be stopped.${quoted}`,
      );
    }
    if (/admission webhook|denied the request|violates PodSecurity/i.test(text)) {
      return make(
        'terminal',
        'admission-denied',
        `A policy of the cluster denied the pod. An administrator must look at it.${quoted}`,
      );
    }
    // A namespace on its way out refuses creates with 403 and goes on to vanish: an administrator may be replacing it.
    return make(
      'terminal',
      'forbidden',
      `The worker lacks a permission in the cluster. An administrator must grant it.${quoted}`,
    );
  }
  if (status === 404) {
    return /^namespaces /i.test(text)
      ? make(
          'terminal',
          'namespace-missing',
          `The namespace does not exist in the cluster. An administrator must create it.${quoted}`,
        )
      : make('not-found', 'pod-gone', text || 'The object is not there.');
  }
  if (status === 409) {
    return answer.reason === 'AlreadyExists'
      ? make('already-exists', 'name-conflict', text)
      : make('conflict', 'cluster-busy', text);
  }
  if (status === 410) return make('gone', 'cluster-error', text || 'The resource version is too old.');
  if (status === 400 || status === 422) {
    return make(
      'terminal',
      'invalid-spec',
      `The cluster finds the pod or its volume invalid. An administrator must correct the configuration.${quoted}`,
    );
  }
  if (status === 429) return make('transient', 'cluster-busy', 'The cluster is busy and asks us to wait.');
  return make('transient', 'cluster-error', `The cluster answered with an error (HTTP ${status}).${quoted}`);
}

/** What lies under the sentence, for the log: the network's own words, with addresses. */
export function causeOf(error: KubernetesError): string | undefined {
  const outer = error.cause;
  const cause = outer instanceof Error && outer.cause instanceof Error ? outer.cause : outer;
  if (!(cause instanceof Error)) return undefined;
  // Several addresses that all refused make an error without a message of its own.
  return (cause.message || ('code' in cause ? String(cause.code) : cause.name)).slice(0, 500);
}

function parseJson(body: unknown): unknown {
  if (typeof body !== 'string') return body;
  try {
    return JSON.parse(body);
  } catch {
    return null; // a proxy's HTML page, for instance: the HTTP status alone must do
  }
}
