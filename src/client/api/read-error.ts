/** Reads any thrown value as an error with a code of the closed list and a message for people. */

import { TRPCClientError } from '@trpc/client';

import type { AppErrorCode, AppErrorData, FieldErrors } from '../../shared/contract/errors.ts';

export interface ReadableError {
  /** `UNREACHABLE`: there was no answer, or an answer that is not from our API. */
  code: AppErrorCode | 'UNREACHABLE';
  /** For people. */
  message: string;
  fields: FieldErrors;
  retryAfterSeconds: number | null;
}

/** Errors of the API keep their own message. Everything else counts as no answer. */
export function readError(error: unknown): ReadableError {
  if (error instanceof TRPCClientError) {
    // The server's error formatter writes this shape. The answer of a proxy in between lacks it.
    const data = error.data as Partial<AppErrorData> | null | undefined;
    if (data?.appCode !== undefined) {
      return {
        code: data.appCode,
        message: error.message,
        fields: data.fields ?? {},
        retryAfterSeconds: data.retryAfterSeconds ?? null,
      };
    }
  }
  return {
    code: 'UNREACHABLE',
    message: 'The server could not be reached. Check your connection and try again.',
    fields: {},
    retryAfterSeconds: null,
  };
}

/** Whether the same call may succeed when it is made again. */
export function isTransient(error: ReadableError): boolean {
  return error.code === 'UNREACHABLE' || error.code === 'UNAVAILABLE' || error.code === 'RATE_LIMITED';
}
