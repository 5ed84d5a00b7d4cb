import { describe, expect, it } from 'vitest';

import { evidenceSchema, maxEvidence } from '../../src/shared/contract/diagnosis.ts';
import { reasonCodeSchema } from '../../src/shared/contract/reason-code.ts';
import { diagnoseSnapshot, readSnapshot, snapshotNames } from './snapshots.ts';
import { otherVerdicts } from './verdicts.ts';

/** What belongs behind the fold: words that tell somebody who has never used Kubernetes nothing. */
const jargon =
  /rpc error|back-off \d|kubelet|containerd|OCI|runc|taint \{|0\/\d+ nodes|unbound|exit status|dial tcp|\bPVC\b|CrashLoopBackOff|ImagePullBackOff|[0-9a-f]{8}-[0-9a-f]{4}-/i;

describe('each real situation', () => {
  it.each(snapshotNames)('%s is explained as a person would', (name) => {
    const snapshot = readSnapshot(name);
    const diagnosed = diagnoseSnapshot(snapshot);
    const desired = { ...snapshot.expect, ...otherVerdicts[name]?.verdict };

    expect([desired.state, ...desired.stateAlso]).toContain(diagnosed.state);
    expect([desired.actor, ...desired.actorAlso]).toContain(diagnosed.actor);
    const words = `${diagnosed.message} ${diagnosed.nextStep}`;
    for (const word of desired.mentions) expect(words.toLowerCase()).toContain(word.toLowerCase());
    expect(diagnosed.message).toMatch(/^[A-Z].*\.$/);
    expect(diagnosed.nextStep).toMatch(/^[A-Z].*\.$/);
    expect(words).not.toMatch(jargon);
    expect(words.length).toBeLessThan(420);
    expect(reasonCodeSchema.options).toContain(diagnosed.reason);
  });

  it.each(snapshotNames)('%s keeps what Kubernetes said, word for word', (name) => {
    const snapshot = readSnapshot(name);
    const { evidence, state } = diagnoseSnapshot(snapshot);
    expect(evidence.length).toBeLessThanOrEqual(maxEvidence);
    for (const piece of evidence) expect(evidenceSchema.parse(piece)).toEqual(piece);
    const raw = JSON.stringify(snapshot);
    const isQuoted = ({ text, reason }: { text: string; reason: string | null }) =>
      raw.includes(JSON.stringify(text.slice(0, 60)).slice(1, -1)) || raw.includes(`"reason":"${reason}"`);
    if (state === 'failing' || state === 'failed') expect(evidence.some(isQuoted)).toBe(true);
  });

  it('is one of more than seventy, and every other verdict belongs to one', () => {
    expect(snapshotNames.length).toBeGreaterThan(70);
    for (const name of Object.keys(otherVerdicts)) expect(snapshotNames).toContain(name);
  });
});
