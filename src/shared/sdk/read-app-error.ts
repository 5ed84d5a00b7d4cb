/** Reads the API's own error from any error that a call throws. */

import { TRPCClientError } from '@trpc/client';

import { AppError, isAppErrorCode, type AppErrorData } from '../contract/errors.ts';

/**
 * The API's own error (code, message, fields, time to wait), or `null` if the API did not answer.
 * @example
 * try { await client.projects.create({ name }) } catch (error) {
 *   if (readAppError(error)?.code === 'NAME_TAKEN') chooseAnother();
 * }
 */
export function readAppError(error: unknown): AppError | null {
  if (error instanceof AppError) return error;
  if (!(error instanceof TRPCClientError)) return null;
  // The server's error formatter writes this shape. The answer of a proxy in between lacks it.
  const data = error.data as Partial<AppErrorData> | null | undefined;
  if (!isAppErrorCode(data?.appCode)) return null;
  return new AppError(data.appCode, error.message, {
    fields: data.fields ?? {},
    ...(typeof data.retryAfterSeconds === 'number' ? { retryAfterSeconds: data.retryAfterSeconds } : {}),
    cause: error,
  });
}

/** Whether the same call may succeed when it is made again. */
export function isTransient(error: unknown): boolean {
  const code = readAppError(error)?.code;
  return code === undefined || code === 'UNAVAILABLE' || code === 'INTERNAL' || code === 'RATE_LIMITED';
}

/** Replaces the library's error by the API's own error if the API answered. */
export async function withAppErrors<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw readAppError(error) ?? error;
  }
}
