import { describe, expect, it } from 'vitest';

import { diagnosePod } from '../../src/worker/pods/diagnosis/diagnose-pod.ts';
import { collectedCases } from './collected-cases.ts';

describe('the diagnosis of a case that somebody reported in public', () => {
  it.each(collectedCases)('$name: it has the right state and actor, names the cause, and no other', (collected) => {
    const { snapshot, state, actor, mentions, never } = collected;
    const diagnosed = diagnosePod(snapshot);
    const text = `${diagnosed.message} ${diagnosed.nextStep}`;
    expect(state).toContain(diagnosed.state);
    expect(actor).toContain(diagnosed.actor);
    for (const mention of mentions) expect(text.toLowerCase()).toContain(mention.toLowerCase());
    if (never) expect(text).not.toMatch(never);
    expect(diagnosed.message).toMatch(/^[A-Z].*\.$/);
    expect(text.length).toBeLessThan(520);
  });
});
