import { describe, expect, it } from 'vitest';

import { projectFixture } from '../../../tests/support/project-fixture.ts';
import { countOverdue, isOverdue, waitingText } from './waiting.ts';

const since = '2026-01-01T10:00:00.000Z';
const at = (minutes: number): number => Date.parse(since) + minutes * 60_000;

describe('a run that waits for an answer', () => {
  const waiting = projectFixture({ waitingRuns: 1, waitingSince: since, answerLimitMinutes: 30 });

  it('is overdue when the time limit of its project has passed', () => {
    expect([isOverdue(waiting, at(29.9)), isOverdue(waiting, at(30))]).toEqual([false, true]);
    expect(isOverdue({ ...waiting, answerLimitMinutes: 60 }, at(30))).toBe(false);
    expect(isOverdue(projectFixture(), at(1_000))).toBe(false);
    expect(isOverdue({ ...waiting, status: 'archived' }, at(1_000))).toBe(false);
  });

  it('asks only those who may answer', () => {
    const shown = { ...waiting, role: 'viewer' as const };
    expect([isOverdue(shown, at(1_000)), waitingText(shown)]).toEqual([false, '1 run waits for an answer']);
    expect(isOverdue({ ...waiting, role: 'editor' }, at(30))).toBe(true);
  });

  it('is counted once for each project', () => {
    const other = projectFixture({ waitingRuns: 3, waitingSince: '2026-01-01T10:20:00.000Z' });
    expect(countOverdue([waiting, other, projectFixture()], at(30))).toBe(1);
    expect(countOverdue([waiting, other], at(50))).toBe(2);
    expect([waitingText(waiting), waitingText(other)]).toEqual([
      '1 run waits for your answer',
      '3 runs wait for your answer',
    ]);
  });
});
