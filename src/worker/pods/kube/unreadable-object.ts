/**
 * An object of the cluster that does not have the form that its schema requires. It is passed over and reported for its project
 * alone, so that it does not hide all others. It exists, so it must not count as deleted.
 */

import { z } from 'zod';

import { cleanText } from '../../../shared/clean-texts.ts';
import type { Actor, Evidence } from '../../../shared/contract/diagnosis.ts';
import type { ReasonCode } from '../../../shared/contract/reasons.ts';
import { evidenceOf } from '../diagnosis/evidence.ts';
import { KubernetesError } from './kubernetes-error.ts';

export interface UnreadableObject {
  /** Empty when even the name cannot be read. */
  name: string;
  /** The first field that cannot be read, and why. */
  problem: string;
}

export type ObjectKind = 'pod' | 'volume claim';

const namedSchema = z.object({ metadata: z.object({ name: z.string().max(253) }) });

export function describeUnreadable(object: unknown, error: z.ZodError): UnreadableObject {
  const named = namedSchema.safeParse(object);
  const [issue] = error.issues;
  const problem = cleanText(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'Invalid.'}`);
  return { name: named.success ? named.data.metadata.name : '', problem };
}

/** What to show for the project. */
export function textsOfUnreadable(kind: ObjectKind, { name, problem }: UnreadableObject) {
  return {
    reason: 'cluster-error' satisfies ReasonCode,
    message: `The cluster reports the ${kind} ${name} in a form that cannot be read.`,
    nextStep: 'An administrator must correct or delete it. The project then continues by itself.',
    actor: 'administrator' satisfies Actor,
    evidence: [evidenceOf({ source: kind === 'pod' ? 'pod' : 'volume', subject: name, text: problem })] as Evidence[],
  } as const;
}

/** @throws KubernetesError when the object does not have the form of the schema */
export function parseObject<T>(kind: ObjectKind, schema: z.ZodType<T>, object: unknown): T {
  const parsed = schema.safeParse(object);
  if (parsed.success) return parsed.data;
  const { reason, message, ...texts } = textsOfUnreadable(kind, describeUnreadable(object, parsed.error));
  throw new KubernetesError('transient', reason, message, { ...texts, status: 200, cause: parsed.error });
}
