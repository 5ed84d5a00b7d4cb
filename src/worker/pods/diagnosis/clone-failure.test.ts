import { expect, it } from 'vitest';

import { kubernetesPodSchema } from '../kube/kubernetes-pod.ts';
import { cloneFailure } from './clone-failure.ts';

/** A pod whose clone step left this message. */
function podWith(message: string) {
  const terminated = { exitCode: 0, reason: 'Completed', message, finishedAt: '2026-01-01T00:00:00Z' };
  const initContainerStatuses = [{ name: 'clone-repository', ready: true, restartCount: 0, state: { terminated } }];
  const metadata = {
    name: 'project',
    namespace: 'opencode',
    uid: 'uid',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  return kubernetesPodSchema.parse({ metadata, spec: { containers: [] }, status: { initContainerStatuses } });
}

it.each([
  ['rate-limited', /no more requests for now/, /Restart the project later/, 'owner'],
  ['server-error', /a problem of its own/, /Restart the project later/, 'owner'],
  ['not-found', /not found/, /Correct the repository URL/, 'owner'],
  ['denied', /requires a sign-in/, /Correct the repository URL.*private repository/, 'owner'],
  ['unreachable', /could not be reached/, /Check the repository URL.*restart the project later/, 'owner'],
  ['timeout', /too long/, /^Restart the project to try again/, 'owner'],
  ['no-space', /does not fit/, /a part of it.*larger volume/, 'owner'],
  ['refused', /refused the request/, /Correct the repository URL/, 'owner'],
  ['no-repository', /no git repository/, /Correct the repository URL/, 'owner'],
  ['interrupted', /connection broke/, /Restart the project later/, 'owner'],
  ['no-memory', /more memory than/, /administrator.*more memory/, 'administrator'],
  ['no-checkout', /name that the file system/, /Rename/, 'owner'],
  ['untrusted', /not trusted/, /administrator.*GIT_CA_CONFIG_MAP/, 'administrator'],
  ['other', /could not be cloned\.$/, /Correct the repository URL/, 'owner'],
])('a clone that failed as %s says why, and who has to do what', (cause, message, nextStep, actor) => {
  const failure = cloneFailure(podWith(`clone-failed: ${cause}: fatal: words of git`));
  expect(failure?.message).toMatch(message);
  expect(failure?.nextStep).toMatch(nextStep);
  expect(failure?.actor).toBe(actor);
  expect(failure?.evidence).toMatchObject({ text: 'fatal: words of git' });
});
