/**
 * Decides who may pass to which project. The answer is cached for a few seconds, and open connections are checked again at the
 * same pace, so a sign-out, a revoked token, a role that was taken away or a stopped project ends them.
 */

import type { Clock } from '../shared/clock.ts';
import { readyPodOf, type NotReadyCause, type ReadyPod } from '../shared/node/access/ready-pod.ts';
import type { Entry } from '../shared/node/access/tickets.ts';
import type { ProjectRecord } from '../shared/node/db/project-record.ts';

/** The answer for one entry. */
export type Admission =
  | { kind: 'refused' }
  /** The person may enter, and the pod cannot be reached yet. */
  | { kind: 'not-ready'; project: ProjectRecord; cause: NotReadyCause }
  | ({ kind: 'admitted'; project: ProjectRecord } & ReadyPod);

export interface AdmissionSource {
  /** The user whose session or token this is, unless it has ended. */
  findUserId(credential: Entry['credential']): Promise<string | null>;
  /** The project, in whatever state, if this person may open it. */
  findProjectToOpen(key: { id: string; userId: string }): Promise<ProjectRecord | null>;
  /** The sidecar credential of the project's pod; `null` when its key is no longer configured. */
  credentialOf(project: ProjectRecord): string | null;
}

export interface Admissions {
  /** At most `maxAgeMs` old; `not-ready` is always new. */
  check(entry: Entry): Promise<Admission>;
}

/** @param deps.maxAgeMs how long an answer is used again; revocation takes effect within this time */
export function createAdmissions(deps: {
  source: AdmissionSource;
  clock: Clock;
  maxAgeMs: number;
  maxEntries: number;
}): Admissions {
  const { source, clock, maxAgeMs, maxEntries } = deps;
  const answers = new Map<string, { at: number; answer: Promise<Admission> }>();

  return {
    check(entry) {
      const key = `${entry.credential.kind}:${entry.credential.id}:${entry.userId}:${entry.projectId}`;
      const known = answers.get(key);
      if (known && clock.monotonic() - known.at < maxAgeMs) return known.answer;
      const answer = decideAdmission(entry, source);
      answers.delete(key);
      answers.set(key, { at: clock.monotonic(), answer });
      if (answers.size > maxEntries) answers.delete(answers.keys().next().value ?? key);
      const forget = () => {
        if (answers.get(key)?.answer === answer) answers.delete(key);
      };
      // A project that becomes ready can be used at once. A database that did not answer is asked again by the next request.
      answer.then(({ kind }) => kind === 'not-ready' && forget(), forget);
      return answer;
    },
  };
}

async function decideAdmission(entry: Entry, source: AdmissionSource): Promise<Admission> {
  const userId = await source.findUserId(entry.credential);
  if (userId === null || userId !== entry.userId) return { kind: 'refused' };
  const project = await source.findProjectToOpen({ id: entry.projectId, userId });
  if (!project || project.status === 'archived') return { kind: 'refused' };
  const pod = readyPodOf(project, (of) => source.credentialOf(of));
  return typeof pod === 'string' ? { kind: 'not-ready', project, cause: pod } : { kind: 'admitted', project, ...pod };
}
