import { describe, expect, it } from 'vitest';

import { evidenceSchema, maxEvidence } from '../../src/shared/contract/explanation.ts';
import { reasonCodeSchema } from '../../src/shared/contract/reason-code.ts';
import { explainSituation, readSituation, situationNames } from './situations.ts';
import { otherVerdicts } from './verdicts.ts';

/** What belongs behind the fold: words that tell somebody who has never used Kubernetes nothing. */
const jargon =
  /rpc error|back-off \d|kubelet|containerd|OCI|runc|taint \{|0\/\d+ nodes|unbound|exit status|dial tcp|\bPVC\b|CrashLoopBackOff|ImagePullBackOff|[0-9a-f]{8}-[0-9a-f]{4}-/i;

describe('each real situation', () => {
  it.each(situationNames)('%s is explained as a person would', (name) => {
    const situation = readSituation(name);
    const explained = explainSituation(situation);
    const wanted = { ...situation.expect, ...otherVerdicts[name]?.verdict };

    expect([wanted.state, ...wanted.stateAlso]).toContain(explained.state);
    expect([wanted.actor, ...wanted.actorAlso]).toContain(explained.actor);
    const words = `${explained.sentence} ${explained.next}`;
    for (const word of wanted.mentions) expect(words.toLowerCase()).toContain(word.toLowerCase());
    expect(explained.sentence).toMatch(/^[A-Z].*\.$/);
    expect(explained.next).toMatch(/^[A-Z].*\.$/);
    expect(words).not.toMatch(jargon);
    expect(words.length).toBeLessThan(420);
    expect(reasonCodeSchema.options).toContain(explained.reason);
  });

  it.each(situationNames)('%s keeps what Kubernetes said, word for word', (name) => {
    const situation = readSituation(name);
    const { evidence, state } = explainSituation(situation);
    expect(evidence.length).toBeLessThanOrEqual(maxEvidence);
    for (const piece of evidence) expect(evidenceSchema.parse(piece)).toEqual(piece);
    const raw = JSON.stringify(situation);
    const isQuoted = ({ text, reason }: { text: string; reason: string | null }) =>
      raw.includes(JSON.stringify(text.slice(0, 60)).slice(1, -1)) || raw.includes(`"reason":"${reason}"`);
    if (state === 'failing' || state === 'failed') expect(evidence.some(isQuoted)).toBe(true);
  });

  it('is one of more than seventy, and every other verdict belongs to one', () => {
    expect(situationNames.length).toBeGreaterThan(70);
    for (const name of Object.keys(otherVerdicts)) expect(situationNames).toContain(name);
  });
});
