import { ApiException } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { maxEvidenceText } from '../../../shared/contract/diagnosis.ts';
import { causeOf, fromResponse, KubernetesError, toKubernetesError } from './kubernetes-error.ts';

/** The error for an answer of a real API server. */
const answered = (code: number, reason: string | undefined, message: string, headers: Record<string, string> = {}) =>
  toKubernetesError(
    new ApiException(code, 'failed', JSON.stringify({ kind: 'Status', code, reason, message }), headers),
  );

describe('toKubernetesError', () => {
  it.each([
    {
      what: 'a used-up memory quota',
      error: answered(
        403,
        'Forbidden',
        'pods "project-1" is forbidden: exceeded quota: tenant-compute, requested: limits.memory=1280Mi, used: limits.memory=0, limited: limits.memory=512Mi',
      ),
      expected: { kind: 'terminal', reason: 'quota-exceeded' },
      shows: /quota of memory is used up.*administrator.*limits\.memory=512Mi/s,
    },
    {
      what: 'a used-up storage quota',
      error: answered(
        403,
        'Forbidden',
        'persistentvolumeclaims "workspace-1" is forbidden: exceeded quota: tenant-storage, requested: requests.storage=1Gi',
      ),
      expected: { kind: 'terminal', reason: 'quota-exceeded' },
      shows: /quota of storage is used up/,
    },
    {
      what: 'a missing permission',
      error: answered(
        403,
        'Forbidden',
        'pods is forbidden: User "system:serviceaccount:opencode:opencode-worker" cannot create resource "pods" in API group "" in the namespace "opencode"',
      ),
      expected: { kind: 'transient', reason: 'forbidden' },
      shows: /lacks a permission.*may not create pods.*administrator.*cannot create resource "pods"/s,
    },
    {
      what: 'a refusal by an admission webhook without a reason',
      error: answered(
        403,
        undefined,
        'admission webhook "images.policy.example.com" denied the request: container "opencode-server" uses image "busybox:1.35" from a registry that is not allowed',
      ),
      expected: { kind: 'terminal', reason: 'admission-denied' },
      shows: /policy.*denied.*administrator.*not allowed/s,
    },
    {
      what: 'a refusal by pod security',
      error: answered(
        403,
        'Forbidden',
        'pods "project-1" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
      ),
      expected: { kind: 'terminal', reason: 'admission-denied' },
      shows: /policy/,
    },
    {
      what: 'a missing namespace',
      error: answered(404, 'NotFound', 'namespaces "no-such-namespace" not found'),
      expected: { kind: 'terminal', reason: 'namespace-missing' },
      shows: /namespace no-such-namespace was not found.*administrator must create it/s,
    },
    {
      what: 'a missing pod',
      error: answered(404, 'NotFound', 'pods "project-1" not found'),
      expected: { kind: 'not-found', reason: 'pod-gone' },
      shows: /not found/,
    },
    {
      what: 'a name that is already used',
      error: answered(409, 'AlreadyExists', 'pods "project-1" already exists'),
      expected: { kind: 'already-exists', reason: 'name-conflict' },
      shows: /already exists/,
    },
    {
      what: 'a precondition that fails',
      error: answered(409, 'Conflict', 'the UID in the precondition does not match the UID in record'),
      expected: { kind: 'conflict', reason: 'cluster-busy' },
      shows: /at the same time.*precondition/s,
    },
    {
      what: 'an invalid spec',
      error: answered(
        422,
        'Invalid',
        'Pod "project-1" is invalid: [spec.containers[0].image: Required value, spec.containers[0].ports[0].containerPort: Invalid value: 70000]',
      ),
      expected: { kind: 'terminal', reason: 'invalid-spec' },
      shows: /invalid.*administrator must correct.*spec\.containers\[0\]\.image/s,
    },
    {
      what: 'a body that the API cannot read',
      error: answered(400, 'BadRequest', 'the object provided is unrecognized (must be of type Pod)'),
      expected: { kind: 'terminal', reason: 'invalid-spec' },
      shows: /invalid/,
    },
    {
      what: 'refused credentials in an answer without a body',
      error: toKubernetesError(new ApiException(401, 'Unauthorized', undefined, {})),
      expected: { kind: 'transient', reason: 'unauthorized' },
      shows: /does not accept our credentials.*administrator/,
    },
    {
      what: 'a resource version that is too old',
      error: answered(410, 'Expired', 'too old resource version: 1 (2)'),
      expected: { kind: 'gone', reason: 'cluster-error' },
      shows: /too old/,
    },
    {
      what: 'an error of the API itself',
      error: answered(
        500,
        'InternalError',
        'Internal error occurred: failed calling webhook "images.policy.example.com"',
      ),
      expected: { kind: 'transient', reason: 'admission-unavailable' },
      shows: /policy check.*administrator must check the webhook.*failed calling webhook/s,
    },
    {
      what: "a proxy's HTML page instead of an answer",
      error: toKubernetesError(new ApiException(503, 'failed', '<html>Service Unavailable</html>', {})),
      expected: { kind: 'transient', reason: 'cluster-error' },
      shows: /^The cluster answered with an error \(HTTP 503\)\. The worker tries again by itself/,
    },
    {
      what: 'an answer that is not a Kubernetes object',
      error: toKubernetesError(z.string().safeParse(1).error),
      expected: { kind: 'transient', reason: 'cluster-error' },
      shows: /could not be read/,
    },
    {
      what: 'a refused connection',
      error: toKubernetesError(
        new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:6443') }),
      ),
      expected: { kind: 'transient', reason: 'cluster-unreachable', status: 0 },
      shows: /^The cluster does not answer\..*continues by itself/,
      cause: 'connect ECONNREFUSED 127.0.0.1:6443',
    },
    {
      what: 'refused connections to every address, which give an error without a message',
      error: toKubernetesError(
        new TypeError('fetch failed', { cause: Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }) }),
      ),
      expected: { kind: 'transient', reason: 'cluster-unreachable' },
      shows: /^The cluster does not answer\..*continues by itself/,
      cause: 'ECONNREFUSED',
    },
    {
      what: 'a request that timed out',
      error: toKubernetesError(new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
      expected: { kind: 'transient', reason: 'cluster-unreachable' },
      shows: /^The cluster does not answer\..*continues by itself/,
      cause: 'The operation was aborted due to timeout',
    },
  ])('classifies $what', ({ error, expected, shows, cause }) => {
    expect(error).toMatchObject(expected);
    const raw = error.evidence.map(({ text }) => text);
    expect([error.message, error.nextStep, ...raw].join(' ')).toMatch(shows);
    expect(error.message).toMatch(/^[A-Z][^]*\.$/);
    if (cause !== undefined) expect(causeOf(error)).toBe(cause); // only for the log
  });

  it('reads the time to wait from the Retry-After header, in seconds', () => {
    const error = answered(429, 'TooManyRequests', 'Too many requests', { 'retry-after': '7' });
    expect(error).toMatchObject({ kind: 'transient', reason: 'cluster-busy', retryAfterMs: 7_000 });
  });

  it('reads the time to wait from the Status object', () => {
    const body = { kind: 'Status', code: 429, details: { retryAfterSeconds: 3 } };
    expect(fromResponse({ status: 429, body }).retryAfterMs).toBe(3_000);
  });

  it.each(['Wed, 21 Oct 2026 07:28:00 GMT', '', '-5', '0'])('ignores the Retry-After header "%s"', (retryAfter) => {
    expect(fromResponse({ status: 429, body: '', retryAfter }).retryAfterMs).toBeNull();
  });

  it('keeps the message short when the cluster sends a long one', () => {
    const error = answered(422, 'Invalid', `Pod is invalid: ${'spec.containers[0].image '.repeat(1_000)}`);
    expect(error.message.length).toBeLessThan(420);
    expect(error.evidence.map(({ text }) => text.length)).toEqual([maxEvidenceText]);
  });

  it('returns an error unchanged when it is already classified', () => {
    const error = new KubernetesError('terminal', 'forbidden', 'No.', { status: 403 });
    expect(toKubernetesError(error)).toBe(error);
  });
});
