import { expect, it } from 'vitest';

import { diagnosePod } from '../../src/worker/pods/diagnosis/diagnose-pod.ts';
import type { PodSnapshot } from '../../src/worker/pods/diagnosis/pod-snapshot.ts';
import { blindCases } from './blind-cases.ts';
import { collectedCases } from './collected-cases.ts';
import { readSnapshot, snapshotNames } from './snapshots.ts';

const captured = snapshotNames.flatMap((name): [string, PodSnapshot][] => {
  const { pod, events, pvc: claim, node, capturedAt } = readSnapshot(name);
  return pod ? [[name, { pod, events, claim, node, now: Date.parse(capturedAt) }]] : [];
});
const collected = collectedCases.map(({ name, snapshot }): [string, PodSnapshot] => [name, snapshot]);
const blind = blindCases.flatMap(({ name, snapshot }): [string, PodSnapshot][] => (snapshot ? [[name, snapshot]] : []));

/** The diagnosis after the last time at which the passing of time alone changes it. */
function lastDiagnosis(snapshot: PodSnapshot) {
  let { now } = snapshot;
  for (let step = 0; step < 20; step++) {
    const diagnosis = diagnosePod({ ...snapshot, now });
    if (diagnosis.recheckAt === null) return diagnosis;
    now = Date.parse(diagnosis.recheckAt);
  }
  throw new Error('The diagnosis changes for ever.');
}

it.each([...captured, ...collected, ...blind])(
  '%s: when nothing happens any more, the diagnosis of a waiting pod says who can help',
  (_, snapshot) => {
    const { state, actor, nextStep, message } = lastDiagnosis(snapshot);
    if (state !== 'starting' && !(state === 'failing' && actor === 'nobody')) return;
    expect(`${actor}: ${message} ${nextStep}`).toMatch(/^(owner|administrator): |administrator must|new, empty volume/);
  },
);
