/** What went wrong, in the terms of our closed list, whatever was thrown. */

import { TRPCClientError } from '@trpc/client';

import type { AppErrorCode, AppErrorData, FieldErrors } from '../../shared/contract/errors.ts';

export interface ReadableError {
  /** `UNREACHABLE`: no answer came at all, or one that is not from our API. */
  code: AppErrorCode | 'UNREACHABLE';
  /** A sentence for people. */
  message: string;
  fields: FieldErrors;
  retryAfterSeconds: number | null;
}

/** Reads any thrown value. Errors of the API keep their own sentence; everything else counts as no answer. */
export function readError(error: unknown): ReadableError {
  if (error instanceof TRPCClientError) {
    // The shape is what the server's error formatter writes; an answer of a proxy in between has none of it.
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

/** Whether the same call may well succeed if it is simply made again. */
export function isPassing(error: ReadableError): boolean {
  return error.code === 'UNREACHABLE' || error.code === 'UNAVAILABLE' || error.code === 'RATE_LIMITED';
}
