import { describe, expect, it } from 'vitest';

import { evidenceSchema, maxEvidence } from '../../src/shared/contract/diagnosis.ts';
import { reasonCodeSchema } from '../../src/shared/contract/reason-code.ts';
import { diagnoseSnapshot, readSnapshot, snapshotNames } from './snapshots.ts';
import { changedVerdicts } from './verdicts.ts';

/** Technical terms that belong in the evidence, because they mean nothing to a user who does not know Kubernetes. */
const jargon =
  /rpc error|back-off \d|kubelet|containerd|OCI|runc|taint \{|0\/\d+ nodes|unbound|exit status|dial tcp|\bPVC\b|CrashLoopBackOff|ImagePullBackOff|[0-9a-f]{8}-[0-9a-f]{4}-/i;

describe('the diagnosis of a captured snapshot', () => {
  it.each(snapshotNames)('%s has the expected state, actor and facts, in plain words', (name) => {
    const snapshot = readSnapshot(name);
    const diagnosed = diagnoseSnapshot(snapshot);
    const verdict = { ...snapshot.expect, ...changedVerdicts[name]?.verdict };

    expect([verdict.state, ...verdict.stateAlso]).toContain(diagnosed.state);
    expect([verdict.actor, ...verdict.actorAlso]).toContain(diagnosed.actor);
    const text = `${diagnosed.message} ${diagnosed.nextStep}`;
    for (const mention of verdict.mentions) expect(text.toLowerCase()).toContain(mention.toLowerCase());
    expect(diagnosed.message).toMatch(/^[A-Z].*\.$/);
    expect(diagnosed.nextStep).toMatch(/^[A-Z].*\.$/);
    expect(text).not.toMatch(jargon);
    expect(text.length).toBeLessThan(420);
    expect(reasonCodeSchema.options).toContain(diagnosed.reason);
  });

  it.each(snapshotNames)('%s quotes Kubernetes in the evidence of a failure', (name) => {
    const snapshot = readSnapshot(name);
    const { evidence, state } = diagnoseSnapshot(snapshot);
    expect(evidence.length).toBeLessThanOrEqual(maxEvidence);
    for (const entry of evidence) expect(evidenceSchema.parse(entry)).toEqual(entry);
    const raw = JSON.stringify(snapshot);
    const isQuoted = ({ text, reason }: { text: string; reason: string | null }) =>
      raw.includes(JSON.stringify(text.slice(0, 60)).slice(1, -1)) || raw.includes(`"reason":"${reason}"`);
    if (state === 'failing' || state === 'failed') expect(evidence.some(isQuoted)).toBe(true);
  });

  it('is tested with more than seventy snapshots, and every changed verdict belongs to one of them', () => {
    expect(snapshotNames.length).toBeGreaterThan(70);
    for (const name of Object.keys(changedVerdicts)) expect(snapshotNames).toContain(name);
  });
});
