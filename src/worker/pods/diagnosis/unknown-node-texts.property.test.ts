/**
 * A text that no rule knows is quoted, and never explained with the cause of a similar text. Unknown texts are made from real
 * ones: a letter is missing in each longer word, or each letter is another one.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { blindCases } from '../../../../tests/corpus/blind-cases.ts';
import { collectedCases } from '../../../../tests/corpus/collected-cases.ts';
import { kubernetesEventSchema } from '../kube/kubernetes-event.ts';
import { kubernetesPodSchema } from '../kube/kubernetes-pod.ts';
import { diagnosePod } from './diagnose-pod.ts';
import type { PodSnapshot } from './pod-snapshot.ts';

const now = Date.parse('2026-01-01T10:10:00Z');
const at = (secondsAgo: number) => new Date(now - secondsAgo * 1_000).toISOString();

/** The real texts, without the part that only says how many nodes there are. */
const texts = [...collectedCases, ...blindCases]
  .flatMap(({ snapshot }) => snapshot ?? [])
  .flatMap(({ pod, events }) => [
    ...pod.status.conditions.map(({ message }) => message ?? ''),
    ...events.map(({ message }) => message),
  ])
  .flatMap((text) => text.split(/nodes are available: |preemption: |, (?=\d+ )/))
  .filter((text) => /[a-z]{5}/i.test(text));

const otherLetters = (text: string) =>
  text.replace(/[a-z]/gi, (letter) =>
    String.fromCodePoint((letter.codePointAt(0) ?? 0) + (/[zZ]/.test(letter) ? -25 : 1)),
  );
const withoutALetter = (text: string, seed: number) =>
  text.replace(/[a-z]{5,}/gi, (word) => {
    const place = 1 + (seed % (word.length - 2));
    return word.slice(0, place) + word.slice(place + 1);
  });
const words = fc.constantFrom('flux', 'zebra', 'kiln', 'quorum', 'tide', 'brass', 'lattice', 'mortar', 'E1042', '7');
/** No status code of a remote call, which is a fact, and no abbreviation that says what it is about. */
const unknownText = fc
  .oneof(
    fc.constantFrom(...texts).map(otherLetters),
    fc.tuple(fc.constantFrom(...texts), fc.nat(9)).map(([text, seed]) => withoutALetter(text, seed)),
    fc.array(words, { minLength: 1, maxLength: 12 }).map((list) => list.join(' ')),
  )
  .map((text) =>
    text
      .replace(/\bcode? = \w+/g, '')
      .replace(/\b(cni|ipam)\b/gi, 'xyz')
      .trim(),
  )
  .filter((text) => text !== '');

const base = {
  metadata: { name: 'project-x', namespace: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: at(120) },
  spec: { containers: [{ name: 'opencode-server', image: 'a:1' }] },
};
const about = (reason: string, message: string, kind = 'Pod', component = 'kubelet') =>
  kubernetesEventSchema.parse({
    metadata: {},
    involvedObject: { kind, name: 'x', uid: kind === 'Pod' ? 'u' : '' },
    type: 'Warning',
    reason,
    message,
    firstTimestamp: at(60),
    lastTimestamp: at(1),
    source: { component },
  });
const unscheduled = (message: string, reason = 'Unschedulable') =>
  kubernetesPodSchema.parse({
    ...base,
    status: {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', reason, message, lastTransitionTime: at(90) }],
    },
  });
const preparing = kubernetesPodSchema.parse({
  ...base,
  spec: { ...base.spec, nodeName: 'node-1' },
  status: { phase: 'Pending', containerStatuses: [{ name: 'opencode-server', state: { waiting: {} } }] },
});

const places: [where: string, snapshotOf: (text: string) => PodSnapshot][] = [
  [
    'a clause of the scheduler',
    (text) => ({ pod: unscheduled(`0/3 nodes are available: 3 ${text}`), events: [], claim: null, now }),
  ],
  ['an error of the scheduler', (text) => ({ pod: unscheduled(text, 'SchedulerError'), events: [], claim: null, now })],
  [
    'a refusal of an autoscaler',
    (text) => ({
      pod: unscheduled('0/3 nodes are available: 3 Insufficient cpu.'),
      events: [about('NotTriggerScaleUp', `pod didn't trigger scale-up: 1 ${text}`, 'Pod', 'cluster-autoscaler')],
      claim: null,
      now,
    }),
  ],
  ...['FailedMount', 'FailedAttachVolume', 'FailedCreatePodSandBox'].map((reason): (typeof places)[number] => [
    `an event ${reason}`,
    (text) => ({ pod: preparing, events: [about(reason, text)], claim: null, now }),
  ]),
  [
    'a failure to create a volume',
    (text) => ({
      pod: unscheduled('0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.'),
      events: [about('ProvisioningFailed', text, 'PersistentVolumeClaim', 'csi')],
      claim: null,
      now,
    }),
  ],
];

/** What the diagnosis says itself. */
function ownWords(snapshot: PodSnapshot): string {
  const { reason, message, nextStep } = diagnosePod(snapshot);
  return `${reason}: ${message} ${nextStep}`.replace(/"[^"]*"/g, '""');
}

describe('a text that no rule knows', () => {
  it.each(places)('is quoted and not explained, in %s', (where, snapshotOf) => {
    const expected = ownWords(snapshotOf('flux capacitor'));
    expect(expected).toContain('Kubernetes reports');
    // What is known beside the text, such as too little CPU, or that the scheduler tries again, says who can help.
    if (!/autoscaler|error of the scheduler/.test(where)) expect(expected).toContain('The cause is not known');
    fc.assert(
      fc.property(unknownText, (text) => {
        expect(ownWords(snapshotOf(text)), text).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });
});
