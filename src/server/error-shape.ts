/** The shape in which errors leave the server: the same for tRPC, for sockets, and for what fails before tRPC. */

import { TRPCError } from '@trpc/server';
import { getHTTPStatusCodeFromError } from '@trpc/server/http';
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc';
import { ZodError } from 'zod';

import { AppError, fieldErrorsOf, type AppErrorCode, type AppErrorData } from '../shared/contract/errors.ts';
import { outageOf } from '../shared/node/db/outage.ts';

const trpcCodeOf = {
  VALIDATION_FAILED: 'BAD_REQUEST',
  UNAUTHENTICATED: 'UNAUTHORIZED',
  FORBIDDEN: 'FORBIDDEN',
  NOT_FOUND: 'NOT_FOUND',
  NAME_TAKEN: 'CONFLICT',
  ILLEGAL_STATE: 'CONFLICT',
  CONFLICT: 'CONFLICT',
  QUOTA_EXCEEDED: 'FORBIDDEN',
  PAYLOAD_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  RATE_LIMITED: 'TOO_MANY_REQUESTS',
  UNSUPPORTED: 'METHOD_NOT_SUPPORTED',
  UNAVAILABLE: 'SERVICE_UNAVAILABLE',
  INTERNAL: 'INTERNAL_SERVER_ERROR',
} as const satisfies Record<AppErrorCode, TRPCError['code']>;

/** The value of `error` in every refusal. */
interface ErrorShape {
  code: number;
  message: string;
  data: AppErrorData & { code: TRPCError['code']; httpStatus: number; path: string | null };
}

export function shapeOf(error: AppError, path: string | null = null): ErrorShape {
  const trpcError = toTrpcError(error);
  return {
    code: TRPC_ERROR_CODES_BY_KEY[trpcError.code],
    message: error.message,
    data: {
      code: trpcError.code,
      httpStatus: getHTTPStatusCodeFromError(trpcError),
      path,
      appCode: error.code,
      fields: error.fields,
      retryAfterSeconds: error.retryAfterSeconds,
    },
  };
}

/** The error as a tRPC error, from which tRPC derives the HTTP status. */
export function toTrpcError(error: AppError): TRPCError {
  return new TRPCError({ code: trpcCodeOf[error.code], message: error.message, cause: error });
}

/** Any error as an AppError: expected errors unchanged, outages as UNAVAILABLE, everything else as INTERNAL. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof TRPCError) {
    if (error.cause instanceof AppError) return error.cause;
    return outageOf(error.cause) ?? fromTrpcError(error);
  }
  return outageOf(error) ?? internal(error);
}

/** Translates errors that tRPC itself raises: unknown path, wrong method, unreadable or invalid input. */
function fromTrpcError(error: TRPCError): AppError {
  if (error.code === 'BAD_REQUEST' && error.cause instanceof ZodError) {
    const fields = fieldErrorsOf(error.cause);
    return new AppError('VALIDATION_FAILED', validationMessage(fields), { fields });
  }
  switch (error.code) {
    case 'PARSE_ERROR':
    case 'BAD_REQUEST':
    case 'UNPROCESSABLE_CONTENT':
      return new AppError(
        'VALIDATION_FAILED',
        'The request could not be read. Send JSON in the shape that the API documents.',
      );
    case 'NOT_FOUND':
      return new AppError('NOT_FOUND', 'There is no such procedure. Check its name.');
    case 'METHOD_NOT_SUPPORTED':
      return new AppError(
        'UNSUPPORTED',
        'This procedure does not accept this method. Use GET for queries, POST for mutations, WebSocket for subscriptions.',
      );
    case 'UNSUPPORTED_MEDIA_TYPE':
      return new AppError('UNSUPPORTED', 'Send the request as application/json.');
    case 'PAYLOAD_TOO_LARGE':
      return new AppError('PAYLOAD_TOO_LARGE', 'The request is too large.');
    default:
      return internal(error);
  }
}

function internal(cause: unknown): AppError {
  return new AppError(
    'INTERNAL',
    'Something went wrong on our side. Try again. If it happens again, give the request id to an administrator.',
    { cause },
  );
}

function validationMessage(fields: Record<string, string>): string {
  const [first] = Object.entries(fields);
  if (!first) return 'The input is not valid.';
  const [field, problem] = first;
  const message = field === '' ? problem : `${field}: ${problem}`;
  return /[.!?]$/.test(message) ? message : `${message}.`; // zod's own messages do not end with a full stop
}
