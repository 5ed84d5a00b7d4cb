/**
 * The closed list of error codes, and the error type that carries a code to the edge of the API. This file must not use zod at run
 * time: the client reads errors on every page.
 */

import type { z } from 'zod';

export const appErrorCodes = [
  'VALIDATION_FAILED',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'NAME_TAKEN',
  'ILLEGAL_STATE',
  'CONFLICT',
  'QUOTA_EXCEEDED',
  'PAYLOAD_TOO_LARGE',
  'RATE_LIMITED',
  'UNSUPPORTED',
  'UNAVAILABLE',
  'INTERNAL',
] as const;
export type AppErrorCode = (typeof appErrorCodes)[number];

export const isAppErrorCode = (value: unknown): value is AppErrorCode => appErrorCodes.some((code) => code === value);

/** Messages by field name, for forms. The empty name means the input as a whole. */
export type FieldErrors = Record<string, string>;

/** What every API error has besides its message (`error.data` of tRPC). */
export interface AppErrorData {
  appCode: AppErrorCode;
  fields: FieldErrors;
  retryAfterSeconds: number | null;
}

/** An expected failure. The message is for people: what happened, to which object, and what to do. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: AppErrorCode;
  readonly fields: FieldErrors;
  readonly retryAfterSeconds: number | null;

  constructor(
    code: AppErrorCode,
    message: string,
    options: { fields?: FieldErrors; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}

/** The first message of each field, keyed by its dotted path. */
export function fieldErrorsOf(error: z.ZodError): FieldErrors {
  const fields: FieldErrors = Object.create(null) as FieldErrors; // no prototype, because a field may be called "__proto__"
  for (const issue of error.issues) {
    const unknownKeys = issue.code === 'unrecognized_keys' ? issue.keys : null;
    for (const path of unknownKeys ? unknownKeys.map((key) => [...issue.path, key]) : [issue.path]) {
      fields[path.map(String).join('.')] ??= unknownKeys ? 'This field is not known. Remove it.' : issue.message;
    }
  }
  return fields;
}
