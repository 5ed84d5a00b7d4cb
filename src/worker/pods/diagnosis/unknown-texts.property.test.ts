/**
 * Guarantee of the diagnosis engine for texts that no rule knows: it names no cause, it quotes. Names and addresses in a text may
 * hold the words of any cause, because people choose them.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { kubernetesPodSchema } from '../kube/kubernetes-pod.ts';
import { diagnoseRefusal } from './api-refusals.ts';
import { diagnosePod } from './diagnose-pod.ts';

const start = '2026-01-01T10:00:00Z';
const now = Date.parse('2026-01-01T10:01:00Z');

const neutralWord = fc.constantFrom(
  ...'moon harvest violin teapot granite saffron walrus quietly orbits seventeen lantern gently maple drifts copper whistle'.split(
    ' ',
  ),
);
/** Words of many causes, as people use them in names. */
const causeWord = fc.constantFrom(
  ...'denied not-found timeout unauthorized x509 toomanyrequests quota seccomp oom-killed forbidden signature proxy nvidia memory'.split(
    ' ',
  ),
);
/** Each of these must be read as a name. */
const name = fc
  .tuple(causeWord, causeWord)
  .chain(([a, b]) =>
    fc.constantFrom(
      `"${a}"`,
      `'${b}'`,
      `https://${a}.example.com/v2/${b}/404?token=429`,
      `${b}.${a}.example.com:5000/${a}/${b}:${a}`,
      `/var/lib/${a}/${b}`,
    ),
  );
const unknownText = fc
  .array(fc.oneof({ weight: 3, arbitrary: neutralWord }, { weight: 1, arbitrary: name }), {
    minLength: 3,
    maxLength: 20,
  })
  .map((words) => `walrus ${words.join(' ')} teapot`);

const knownTexts = [
  'failed to pull and unpack image: failed to resolve reference: pull access denied, repository does not exist or may require authorization',
  'unexpected status from HEAD request: toomanyrequests: You have reached your pull rate limit',
  'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  'no match for platform in manifest: not found',
  'dial tcp: lookup registry on: no such host',
  'write: no space left on device',
  'unable to start container process: exec: executable file not found in path',
  'container init was OOM-killed (memory limit too low?)',
  'container has runAsNonRoot and image will run as root',
  'cannot load seccomp profile: no such file or directory',
  'exceeded quota: tenant, requested: pods, used: pods, limited: pods',
  'error looking up service account opencode/default: serviceaccount not found',
  'maximum memory usage per Container is many, but limit is more',
  'The node was low on resource: memory',
  'Container exceeded its local ephemeral storage limit',
];
/** A known text whose words are spelled backwards. */
const mangledText = fc
  .constantFrom(...knownTexts)
  .map((text) => text.replace(/\w+/g, (word) => word.split('').toReversed().join('')).replace(/\d+/g, ''));
const text = fc.oneof(unknownText, mangledText);

/** The part of a quote that is certain to be in it. */
const beginOf = (message: string) => (/\w+/.exec(message.replace(/^(?:rorre|dna)\W*/i, ''))?.[0] ?? '').slice(0, 12);

function diagnose(status: object, image = 'registry.example.com/app:1') {
  const pod = kubernetesPodSchema.parse({
    metadata: { name: 'p', namespace: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: start },
    spec: { nodeName: 'node-1', containers: [{ name: 'opencode-server', image }] },
    status,
  });
  return diagnosePod({ pod, events: [], claim: null, now });
}

const waiting = (reason: string) => (message: string) =>
  diagnose({
    phase: 'Pending',
    containerStatuses: [{ name: 'opencode-server', state: { waiting: { reason, message } } }],
  });
const ended = (reason: string) => (message: string) => diagnose({ phase: 'Failed', reason, message });
const refused = (status: number, reason: string) => (message: string) =>
  diagnoseRefusal({ status, reason, message: `pods "p" is forbidden: ${message}`, details: { kind: 'pods' } });

/** What says the text, and the only reasons that it may give. */
const speakers: [
  what: string,
  diagnose: (message: string) => { reason: string; message: string },
  reasons: string[],
][] = [
  ['an image that is being pulled', waiting('ErrImagePull'), ['image-pull-failed']],
  ['an image that is pulled again', waiting('ImagePullBackOff'), ['image-pull-failed']],
  ['an image that is inspected', waiting('ImageInspectError'), ['image-pull-failed']],
  ['a container that is created', waiting('CreateContainerError'), ['create-container-error']],
  ['a container that is started', waiting('RunContainerError'), ['start-error']],
  ['the settings of a container', waiting('CreateContainerConfigError'), ['config-error']],
  ['an eviction', ended('Evicted'), ['evicted']],
  ['a node that refuses a pod', ended('UnexpectedAdmissionError'), ['node-refused']],
  ['an unknown end', ended('Hibernated'), ['pod-failed']],
  ['a refusal', refused(403, 'Forbidden'), ['refused']],
  ['an invalid object', refused(422, 'Invalid'), ['invalid-spec']],
  ['an unreadable object', refused(400, 'BadRequest'), ['invalid-spec']],
  ['a broken server', refused(500, 'InternalError'), ['cluster-error']],
];

describe('a text that no rule knows', () => {
  it.each(speakers)('is quoted, and no cause is named: %s', (_, diagnoseText, reasons) => {
    fc.assert(
      fc.property(text, (message) => {
        const diagnosis = diagnoseText(message);
        expect(reasons).toContain(diagnosis.reason);
        expect(diagnosis.message).toContain('Kubernetes reports: "');
        expect(diagnosis.message).toContain(beginOf(message));
        expect(diagnosis.message).toMatch(/^[A-Z].*\.$/);
        expect(diagnosis.message.length).toBeLessThan(420);
      }),
      { numRuns: 300 },
    );
  });

  it('may be any text: the message is always one sentence for people', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 400 }),
        fc.constantFrom(...speakers),
        (message, [, diagnoseText]) => {
          const diagnosis = diagnoseText(message);
          expect(diagnosis.message).toMatch(/^[A-Z].*\.$/su);
          expect(diagnosis.message).not.toContain('\n');
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('says nothing about the image whose name holds the words of causes', () => {
    fc.assert(
      fc.property(causeWord, causeWord, neutralWord, (a, b, word) => {
        const image = `registry.example.com/${a}/${b}:${a}`;
        const message = `failed to pull and unpack image "${image}": ${word} ${image}: ${word}`;
        const status = {
          containerStatuses: [{ name: 'opencode-server', state: { waiting: { reason: 'ErrImagePull', message } } }],
        };
        expect(diagnose({ phase: 'Pending', ...status }, image).reason).toBe('image-pull-failed');
      }),
    );
  });

  it('is no cause of a container that ended: the exit code alone is, and the text is its last words', () => {
    fc.assert(
      fc.property(text, (message) => {
        const terminated = { exitCode: 1, reason: 'Error', message };
        const status = { containerStatuses: [{ name: 'opencode-server', restartCount: 1, state: { terminated } }] };
        expect(diagnose({ phase: 'Running', ...status })).toMatchObject({ reason: 'crash-loop', actor: 'owner' });
      }),
    );
  });
});
