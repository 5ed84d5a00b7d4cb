import { describe, expect, it } from 'vitest';

import { chooseToStop, type Activity, type RunningProject } from './choose-to-stop.ts';

const idle: Activity = { busySessions: 0, openTerminals: 0, lastRequestAt: null };
const project = (id: string, startedAt: string, changes: Partial<Activity> | null = {}): RunningProject => ({
  id,
  startedAt: `2026-01-01T${startedAt}:00.000Z`,
  activity: changes && { ...idle, ...changes },
  hasRun: false,
});

describe('the project that makes room', () => {
  it('is the one that was not used for the longest time, counted from its start or its last request', () => {
    const used = project('used', '08:00', { lastRequestAt: '2026-01-01T12:00:00.000Z' });
    const unused = project('unused', '09:00', { lastRequestAt: '2026-01-01T09:30:00.000Z' });
    const started = project('started', '10:00');
    expect(chooseToStop([started, used, unused])?.id).toBe('unused');
    expect(chooseToStop([started, used])?.id).toBe('started');
  });

  it('is never one that is in use, or of which this is not known', () => {
    const inUse = [
      project('busy', '08:00', { busySessions: 1 }),
      project('no OpenCode', '08:00', { busySessions: null }),
      project('terminal', '08:00', { openTerminals: 1 }),
      project('silent', '08:00', null),
      { ...project('run', '08:00'), hasRun: true },
    ];
    expect(chooseToStop(inUse)).toBeNull();
    expect(chooseToStop([...inUse, project('idle', '11:00')])?.id).toBe('idle');
  });
});
