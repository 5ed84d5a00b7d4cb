/**
 * Classifies every failure of a request to the Kubernetes API. The kind says whether and when to retry; the other fields
 * say what to show to people.
 */

import { ApiException } from '@kubernetes/client-node';
import { z } from 'zod';

import { withCleanTexts } from '../../../shared/clean-texts.ts';
import type { Actor, Evidence } from '../../../shared/contract/diagnosis.ts';
import { reasonFacts, type ReasonCode } from '../../../shared/contract/reasons.ts';
import { parseJson } from '../../../shared/parse-json.ts';
import { diagnoseRefusal } from '../diagnosis/api-refusals.ts';
import { reasonGuide } from '../diagnosis/reason-guide.ts';
import type { RefusalKind } from '../diagnosis/refusal.ts';

export class KubernetesError extends Error {
  override readonly name = 'KubernetesError';
  readonly kind: RefusalKind;
  /** The reason code for the project. */
  readonly reason: ReasonCode;
  /** What to do, or what happens by itself. */
  readonly nextStep: string;
  readonly actor: Actor;
  /** The API's own message. */
  readonly evidence: Evidence[];
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** How long to wait before the next request; `null` when the API did not say. */
  readonly retryAfterMs: number | null;
  /** `false` when the request gate blocked the request, so it does not count as an attempt. */
  readonly sent: boolean;

  constructor(
    kind: RefusalKind,
    reason: ReasonCode,
    message: string,
    options: {
      status: number;
      /** By default `nextStep` and `actor` come from the table of reasons. */
      nextStep?: string;
      actor?: Actor;
      evidence?: Evidence[];
      retryAfterMs?: number | null;
      sent?: boolean;
      cause?: unknown;
    },
  ) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.reason = reason;
    this.nextStep = options.nextStep ?? reasonGuide[reason].toDo;
    this.actor = options.actor ?? reasonFacts[reason].actor;
    this.evidence = options.evidence ?? [];
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.sent = options.sent ?? true;
  }
}

/** A longer pause would hold back every project, and a job that is delayed longer looks as if a wrong clock had delayed it. */
const longestPauseMs = 600_000;

const statusSchema = withCleanTexts(
  z.object({
    kind: z.literal('Status').optional(),
    reason: z.string().optional(),
    message: z.string().optional(),
    code: z.number().optional(),
    details: z
      .object({
        retryAfterSeconds: z.number().optional(),
        kind: z.string().optional(),
        causes: z
          .array(
            z.object({ reason: z.string().optional(), message: z.string().optional(), field: z.string().optional() }),
          )
          .optional(),
      })
      .nullish(),
  }),
);

/** Turns any error that the client library throws into a {@link KubernetesError}. */
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
  // The cause and the address are only for the log.
  return new KubernetesError('transient', 'cluster-unreachable', 'The cluster does not answer.', {
    status: 0,
    cause: error,
  });
}

/** Classifies an error answer of the API by its HTTP status and its Status object. The body may be anything. */
export function fromResponse(response: {
  status: number;
  body: unknown;
  retryAfter?: string | null | undefined;
  cause?: unknown;
}): KubernetesError {
  const { status } = response;
  const parsed = statusSchema.safeParse(
    // A proxy may answer with an HTML page. Then the HTTP status alone must be enough.
    typeof response.body === 'string' ? parseJson(response.body) : response.body,
  );
  const answer = parsed.success ? parsed.data : {};
  const seconds = answer.details?.retryAfterSeconds ?? Number.parseFloat(response.retryAfter ?? '');
  const { kind, reason, message, ...rest } = diagnoseRefusal({ ...answer, status });
  return new KubernetesError(kind, reason, message, {
    ...rest,
    status,
    retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1_000, longestPauseMs) : null,
    cause: response.cause,
  });
}

/** The technical cause for the log: the message of the network error, with addresses. */
export function causeOf(error: KubernetesError): string | undefined {
  const outer = error.cause;
  const cause = outer instanceof Error && outer.cause instanceof Error ? outer.cause : outer;
  if (!(cause instanceof Error)) return undefined;
  // When several addresses refuse the connection, the error has a code but no message.
  return (cause.message || ('code' in cause ? String(cause.code) : cause.name)).slice(0, 500);
}
