import { expect, it } from 'vitest';

import { projectFixture } from '../../../tests/support/project-fixture.ts';
import { idleTimeText } from '../../shared/contract/idle-stop.ts';
import { countsDown, wasIdle } from './idle-state.ts';

it('a project counts down only while it runs, and was idle only while it is stopped', () => {
  const counting = projectFixture({ status: 'ready', idleStopInMinutes: 8 });
  expect([countsDown(counting), wasIdle(counting)]).toEqual([true, false]);
  expect(countsDown({ ...counting, status: 'error' })).toBe(false);
  const stopped = projectFixture({ status: 'stopped', idleStoppedAfterMinutes: 30 });
  expect([countsDown(stopped), wasIdle(stopped)]).toEqual([false, true]);
  expect(wasIdle({ ...stopped, idleStoppedAfterMinutes: null })).toBe(false);
});

it('a limit has the largest unit that fits', () => {
  expect([30, 60, 240, 1_440, 10_080].map(idleTimeText)).toEqual([
    '30 minutes',
    '1 hour',
    '4 hours',
    '1 day',
    '7 days',
  ]);
});
