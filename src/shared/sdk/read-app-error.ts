/** What the API said was wrong, from whatever a call has thrown. */

import { TRPCClientError } from '@trpc/client';

import { AppError, appErrorCodeSchema, type AppErrorData } from '../contract/errors.ts';

/**
 * The API's own error (code, sentence, fields, wait), or `null` when the API did not answer at all.
 * @example
 * try { await client.projects.create({ name }) } catch (error) {
 *   if (readAppError(error)?.code === 'NAME_TAKEN') chooseAnother();
 * }
 */
export function readAppError(error: unknown): AppError | null {
  if (error instanceof AppError) return error;
  if (!(error instanceof TRPCClientError)) return null;
  // The server's error formatter writes this shape; an answer of a proxy in between has none of it.
  const data = error.data as Partial<AppErrorData> | null | undefined;
  const code = appErrorCodeSchema.safeParse(data?.appCode);
  if (!code.success) return null;
  return new AppError(code.data, error.message, {
    fields: data?.fields ?? {},
    ...(typeof data?.retryAfterSeconds === 'number' ? { retryAfterSeconds: data.retryAfterSeconds } : {}),
    cause: error,
  });
}

/** Whether the same call may well succeed if it is simply made again. */
export function isPassing(error: unknown): boolean {
  const code = readAppError(error)?.code;
  return code === undefined || code === 'UNAVAILABLE' || code === 'INTERNAL' || code === 'RATE_LIMITED';
}
