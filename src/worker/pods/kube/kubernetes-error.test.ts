import { ApiException } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { maxEvidenceText } from '../../../shared/contract/diagnosis.ts';
import { causeOf, fromResponse, KubernetesError, toKubernetesError } from './kubernetes-error.ts';

/** An answer as a real API server gave it, by its status, reason and message. */
const answered = (code: number, reason: string | undefined, message: string, headers: Record<string, string> = {}) =>
  toKubernetesError(
    new ApiException(code, 'failed', JSON.stringify({ kind: 'Status', code, reason, message }), headers),
  );

describe('toKubernetesError', () => {
  it.each([
    {
      what: 'a used-up quota of memory',
      error: answered(
        403,
        'Forbidden',
        'pods "project-1" is forbidden: exceeded quota: tenant-compute, requested: limits.memory=1280Mi, used: limits.memory=0, limited: limits.memory=512Mi',
      ),
      expected: { kind: 'terminal', reason: 'quota-exceeded' },
      words: /quota of memory is used up.*administrator.*limits\.memory=512Mi/s,
    },
    {
      what: 'a used-up quota of storage',
      error: answered(
        403,
        'Forbidden',
        'persistentvolumeclaims "workspace-1" is forbidden: exceeded quota: tenant-storage, requested: requests.storage=1Gi',
      ),
      expected: { kind: 'terminal', reason: 'quota-exceeded' },
      words: /quota of storage is used up/,
    },
    {
      what: 'a missing permission',
      error: answered(
        403,
        'Forbidden',
        'pods is forbidden: User "system:serviceaccount:opencode:opencode-worker" cannot create resource "pods" in API group "" in the namespace "opencode"',
      ),
      expected: { kind: 'terminal', reason: 'forbidden' },
      words: /lacks a permission.*may not create pods.*administrator.*cannot create resource "pods"/s,
    },
    {
      what: 'a refusal by an admission webhook, which names no reason',
      error: answered(
        403,
        undefined,
        'admission webhook "images.policy.example.com" denied the request: container "opencode-server" uses image "busybox:1.35" from a registry that is not allowed',
      ),
      expected: { kind: 'terminal', reason: 'admission-denied' },
      words: /policy.*denied.*administrator.*not allowed/s,
    },
    {
      what: 'a refusal by pod security',
      error: answered(
        403,
        'Forbidden',
        'pods "project-1" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
      ),
      expected: { kind: 'terminal', reason: 'admission-denied' },
      words: /policy/,
    },
    {
      what: 'a missing namespace',
      error: answered(404, 'NotFound', 'namespaces "no-such-namespace" not found'),
      expected: { kind: 'terminal', reason: 'namespace-missing' },
      words: /namespace no-such-namespace was not found.*administrator must create it/s,
    },
    {
      what: 'a missing pod',
      error: answered(404, 'NotFound', 'pods "project-1" not found'),
      expected: { kind: 'not-found', reason: 'pod-gone' },
      words: /not found/,
    },
    {
      what: 'a name that is in use',
      error: answered(409, 'AlreadyExists', 'pods "project-1" already exists'),
      expected: { kind: 'already-exists', reason: 'name-conflict' },
      words: /exists already/,
    },
    {
      what: 'a precondition that fails',
      error: answered(409, 'Conflict', 'the UID in the precondition does not match the UID in record'),
      expected: { kind: 'conflict', reason: 'cluster-busy' },
      words: /at the same time.*precondition/s,
    },
    {
      what: 'an invalid spec',
      error: answered(
        422,
        'Invalid',
        'Pod "project-1" is invalid: [spec.containers[0].image: Required value, spec.containers[0].ports[0].containerPort: Invalid value: 70000]',
      ),
      expected: { kind: 'terminal', reason: 'invalid-spec' },
      words: /invalid.*administrator must correct.*spec\.containers\[0\]\.image/s,
    },
    {
      what: 'a body that the API cannot read',
      error: answered(400, 'BadRequest', 'the object provided is unrecognized (must be of type Pod)'),
      expected: { kind: 'terminal', reason: 'invalid-spec' },
      words: /invalid/,
    },
    {
      what: 'wrong credentials, with an answer without a body',
      error: toKubernetesError(new ApiException(401, 'Unauthorized', undefined, {})),
      expected: { kind: 'transient', reason: 'unauthorized' },
      words: /does not accept our credentials.*administrator/,
    },
    {
      what: 'a resource version that is too old',
      error: answered(410, 'Expired', 'too old resource version: 1 (2)'),
      expected: { kind: 'gone', reason: 'cluster-error' },
      words: /too old/,
    },
    {
      what: 'an error of the API itself',
      error: answered(
        500,
        'InternalError',
        'Internal error occurred: failed calling webhook "images.policy.example.com"',
      ),
      expected: { kind: 'transient', reason: 'admission-unavailable' },
      words: /policy check.*administrator must look at the webhook.*failed calling webhook/s,
    },
    {
      what: "a proxy's page in place of an answer",
      error: toKubernetesError(new ApiException(503, 'failed', '<html>Service Unavailable</html>', {})),
      expected: { kind: 'transient', reason: 'cluster-error' },
      words: /^The cluster answered with an error \(HTTP 503\)\. It is tried again/,
    },
    {
      what: 'an answer that is no object of Kubernetes',
      error: toKubernetesError(z.string().safeParse(1).error),
      expected: { kind: 'transient', reason: 'cluster-error' },
      words: /could not be read/,
    },
    {
      what: 'a refused connection',
      error: toKubernetesError(
        new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:6443') }),
      ),
      expected: { kind: 'transient', reason: 'cluster-unreachable', status: 0 },
      words: /^The cluster does not answer\. It goes on when the cluster answers\.$/,
      cause: 'connect ECONNREFUSED 127.0.0.1:6443',
    },
    {
      what: 'refused connections to every address, an error without a message',
      error: toKubernetesError(
        new TypeError('fetch failed', { cause: Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }) }),
      ),
      expected: { kind: 'transient', reason: 'cluster-unreachable' },
      words: /^The cluster does not answer\. It goes on when the cluster answers\.$/,
      cause: 'ECONNREFUSED',
    },
    {
      what: 'a time limit that ran out',
      error: toKubernetesError(new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
      expected: { kind: 'transient', reason: 'cluster-unreachable' },
      words: /^The cluster does not answer\. It goes on when the cluster answers\.$/,
      cause: 'The operation was aborted due to timeout',
    },
  ])('understands $what', ({ error, expected, words, cause }) => {
    expect(error).toMatchObject(expected);
    const raw = error.evidence.map(({ text }) => text);
    expect([error.message, error.nextStep, ...raw].join(' ')).toMatch(words);
    expect(error.message).toMatch(/^[A-Z][^]*\.$/);
    if (cause !== undefined) expect(causeOf(error)).toBe(cause); // for the log alone
  });

  it('takes the time to wait from the header, in seconds', () => {
    const error = answered(429, 'TooManyRequests', 'Too many requests', { 'retry-after': '7' });
    expect(error).toMatchObject({ kind: 'transient', reason: 'cluster-busy', retryAfterMs: 7_000 });
  });

  it('takes the time to wait from the Status, where one stands', () => {
    const body = { kind: 'Status', code: 429, details: { retryAfterSeconds: 3 } };
    expect(fromResponse({ status: 429, body }).retryAfterMs).toBe(3_000);
  });

  it.each(['Wed, 21 Oct 2026 07:28:00 GMT', '', '-5', '0'])('waits no stated time for "%s"', (retryAfter) => {
    expect(fromResponse({ status: 429, body: '', retryAfter }).retryAfterMs).toBeNull();
  });

  it('keeps the sentence short, however much the cluster says', () => {
    const error = answered(422, 'Invalid', `Pod is invalid: ${'spec.containers[0].image '.repeat(1_000)}`);
    expect(error.message.length).toBeLessThan(200);
    expect(error.evidence.map(({ text }) => text.length)).toEqual([maxEvidenceText]);
  });

  it('leaves an error alone that is classified already', () => {
    const error = new KubernetesError('terminal', 'forbidden', 'No.', { status: 403 });
    expect(toKubernetesError(error)).toBe(error);
  });
});
