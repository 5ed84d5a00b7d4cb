import { describe, expect, it } from 'vitest';

import { blindCases } from './blind-cases.ts';

describe('the diagnosis of a case whose expectation was written before the first run', () => {
  it.each(blindCases)('$kind $name: state, actor, cause and next step are right', (expected) => {
    const { state, actor, reason, message, nextStep } = expected.diagnose();
    const text = `${message} ${nextStep}`;
    expect(expected.state).toContain(state);
    expect(expected.actor).toContain(actor);
    expect(expected.reason).toContain(reason);
    for (const fact of expected.says) expect(text).toMatch(fact);
    expect(nextStep).toMatch(expected.toDo);
    if (expected.never) expect(text).not.toMatch(expected.never);
  });

  it('covers each of the ten kinds, with sixty cases or more', () => {
    expect(blindCases.length).toBeGreaterThanOrEqual(60);
    expect([...new Set(blindCases.map(({ kind }) => kind))].toSorted((a, b) => a - b)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
  });
});
