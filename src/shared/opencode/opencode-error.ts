/** Why OpenCode did not do what it was asked. */

/**
 * - `unreachable`: no answer, or one that says that OpenCode is not there. Asking again may help.
 * - `credential`: the pod does not accept the credential of its project.
 * - `not-found`: the session, the message or the request does not exist.
 * - `refused`: OpenCode does not accept the request.
 * - `unreadable`: the answer is too large, or is not what OpenCode answers.
 */
export type OpenCodeErrorKind = 'unreachable' | 'credential' | 'not-found' | 'refused' | 'unreadable';

/** The message is for the log alone: a pod may have written parts of it. */
export class OpenCodeError extends Error {
  override readonly name = 'OpenCodeError';
  readonly kind: OpenCodeErrorKind;

  constructor(kind: OpenCodeErrorKind, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.kind = kind;
  }
}

export function kindOfStatus(status: number): OpenCodeErrorKind {
  if (status === 401 || status === 403) return 'credential';
  if (status === 404) return 'not-found';
  return status >= 500 || status === 429 ? 'unreachable' : 'refused';
}
