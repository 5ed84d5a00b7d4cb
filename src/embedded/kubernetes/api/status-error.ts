/** The refusals of the API in the form of Kubernetes `Status` objects. */

import type { FieldError } from './field-error.ts';
import type { JsonObject } from './kube-object.ts';
import type { ResourceDefinition } from './resource-definition.ts';

/** A refusal with the fields of a Kubernetes `Status`. Any function below the router may throw it. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;

  constructor(answer: { code: number; reason: string; message: string; details?: JsonObject | undefined }) {
    super(answer.message);
    this.name = 'StatusError';
    this.code = answer.code;
    this.reason = answer.reason;
    this.details = answer.details;
  }

  /** The `Status` object that is sent. */
  toStatus(): JsonObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      details: this.details,
      code: this.code,
    };
  }
}

function resourceName(definition: ResourceDefinition): string {
  return definition.group === '' ? definition.plural : `${definition.plural}.${definition.group}`;
}

function detailsOf(definition: ResourceDefinition, name: string): JsonObject {
  return { name, group: definition.group === '' ? undefined : definition.group, kind: definition.plural };
}

/** One builder for each reason of Kubernetes that this API uses. */
export const statusError = {
  badRequest: (message: string): StatusError => new StatusError({ code: 400, reason: 'BadRequest', message }),
  unauthorized: (): StatusError => new StatusError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' }),
  forbidden: (definition: ResourceDefinition, name: string, detail: string): StatusError =>
    new StatusError({
      code: 403,
      reason: 'Forbidden',
      message: `${resourceName(definition)} "${name}" is forbidden: ${detail}`,
      details: detailsOf(definition, name),
    }),
  notFound: (definition: ResourceDefinition, name: string): StatusError =>
    new StatusError({
      code: 404,
      reason: 'NotFound',
      message: `${resourceName(definition)} "${name}" not found`,
      details: detailsOf(definition, name),
    }),
  noSuchPath: (): StatusError =>
    new StatusError({
      code: 404,
      reason: 'NotFound',
      message: 'the server could not find the requested resource',
      details: {},
    }),
  methodNotAllowed: (): StatusError =>
    new StatusError({
      code: 405,
      reason: 'MethodNotAllowed',
      message: 'the server does not allow this method on the requested resource',
      details: {},
    }),
  notAcceptable: (): StatusError =>
    new StatusError({
      code: 406,
      reason: 'NotAcceptable',
      message: 'only the following media types are accepted: application/json, application/json;as=Table',
    }),
  alreadyExists: (definition: ResourceDefinition, name: string): StatusError =>
    new StatusError({
      code: 409,
      reason: 'AlreadyExists',
      message: `${resourceName(definition)} "${name}" already exists`,
      details: detailsOf(definition, name),
    }),
  conflict: (definition: ResourceDefinition, name: string, detail: string): StatusError =>
    new StatusError({
      code: 409,
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on ${resourceName(definition)} "${name}": ${detail}`,
      details: detailsOf(definition, name),
    }),
  expired: (message: string): StatusError => new StatusError({ code: 410, reason: 'Expired', message }),
  tooLarge: (limitBytes: number): StatusError =>
    new StatusError({
      code: 413,
      reason: 'RequestEntityTooLarge',
      message: `Request entity too large: limit is ${limitBytes}`,
    }),
  unsupportedMediaType: (accepted: readonly string[]): StatusError =>
    new StatusError({
      code: 415,
      reason: 'UnsupportedMediaType',
      message: `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
    }),
  unprocessable: (message: string): StatusError => new StatusError({ code: 422, reason: 'Invalid', message }),
  invalid: (definition: ResourceDefinition, name: string, errors: readonly FieldError[]): StatusError => {
    const lines = errors.map((error) => `${error.field}: ${error.message}`);
    const text = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
    const kind = definition.group === '' ? definition.kind : `${definition.kind}.${definition.group}`;
    return new StatusError({
      code: 422,
      reason: 'Invalid',
      message: `${kind} "${name}" is invalid: ${text}`,
      details: {
        name,
        group: definition.group === '' ? undefined : definition.group,
        kind: definition.kind,
        causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
      },
    });
  },
  internal: (message: string): StatusError =>
    new StatusError({
      code: 500,
      reason: 'InternalError',
      message: `Internal error occurred: ${message}`,
      details: { causes: [{ message }] },
    }),
  tooNewRevision: (requested: string, current: number): StatusError =>
    new StatusError({
      code: 504,
      reason: 'Timeout',
      message: `Too large resource version: ${requested}, current: ${current}`,
      details: {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      },
    }),
};
