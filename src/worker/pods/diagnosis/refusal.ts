/** The vocabulary of the rules about refused requests. */

import type { Actor } from '../../../shared/contract/diagnosis.ts';
import type { ReasonCode } from '../../../shared/contract/reasons.ts';

/** What the worker does after a refusal. `terminal`: no further attempt until somebody retries. */
export type RefusalKind = 'not-found' | 'already-exists' | 'conflict' | 'gone' | 'transient' | 'terminal';

export interface RefusalCause {
  /** For example `FieldValueInvalid` or `NamespaceTerminating`. */
  reason?: string | undefined;
  message?: string | undefined;
  /** For example `spec.containers[0].image`. */
  field?: string | undefined;
}

export interface ApiAnswer {
  /** HTTP status. */
  status: number;
  /** `reason`, `message` and `details` of the Status object, if the answer has one. */
  reason?: string | undefined;
  message?: string | undefined;
  details?: { kind?: string | undefined; causes?: RefusalCause[] | undefined } | null | undefined;
}

/** An answer as the rules read it. */
export interface Answer {
  status: number;
  reason: string;
  /** The message on one line. */
  text: string;
  /** The cause in the message of an admission plugin: what follows `… is forbidden: `. */
  cause: string;
  /** The kind of the object in `details`, such as `pods`. */
  kind: string;
  causes: RefusalCause[];
}

export interface RefusalTexts {
  reason: ReasonCode;
  message: string;
  nextStep: string;
  kind: RefusalKind;
  actor?: Actor;
}

const objects: Record<string, string> = {
  pods: 'pod',
  pod: 'pod',
  persistentvolumeclaims: 'volume',
  persistentvolumeclaim: 'volume',
  secrets: 'secret',
  secret: 'secret',
};

/** What the request was about, in the words of the project. */
export function objectOf({ kind, text }: Answer): string {
  const name = kind || (/^(\w+)\b/.exec(text)?.[1] ?? '');
  return objects[name.toLowerCase()] ?? 'pod or its volume';
}
