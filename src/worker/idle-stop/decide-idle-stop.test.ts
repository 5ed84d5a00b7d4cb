import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decideIdleStop, longestStepSeconds, type IdleFacts } from './decide-idle-stop.ts';

const activity = { instance: 'a', uses: 3, busySessions: 0, runningCommands: 0 };
const idle: IdleFacts = {
  limitMinutes: 30,
  shownMinutes: 1,
  hasRun: false,
  stored: { idleSeconds: 29 * 60 + 50, observed: 'a 3' },
  activity,
  elapsedSeconds: 30,
};

describe('an unused project', () => {
  it('is stopped when it was unused for the whole limit', () => {
    expect(decideIdleStop(idle)).toMatchObject({ stop: true });
    expect(decideIdleStop({ ...idle, elapsedSeconds: 5 })).toMatchObject({ stop: false, minutesLeft: 1 });
  });

  it('counts down during the last ten minutes, and not before', () => {
    const at = (idleSeconds: number) =>
      decideIdleStop({ ...idle, shownMinutes: null, stored: { idleSeconds, observed: 'a 3' } }).minutesLeft;
    expect([at(0), at(19 * 60), at(19 * 60 + 30)]).toEqual([null, null, 10]);
    const shown = { ...idle, shownMinutes: 8, stored: { idleSeconds: 22 * 60, observed: 'a 3' } };
    expect(decideIdleStop(shown)).toMatchObject({ minutesLeft: 8 });
  });

  it('is never stopped without the countdown, also when its limit has become shorter', () => {
    const shorter = { ...idle, shownMinutes: null, stored: { idleSeconds: 7_200, observed: 'a 3' } };
    expect(decideIdleStop(shorter)).toMatchObject({ stop: false, minutesLeft: 10 });
  });
});

it('a countdown goes on from what it shows when the limit becomes shorter', () => {
  const shorter = { ...idle, shownMinutes: 9, stored: { idleSeconds: 3_060, observed: 'a 3' } };
  expect(decideIdleStop(shorter)).toMatchObject({ stop: false, minutesLeft: 8 });
});

describe('a project is not idle, and its time begins again,', () => {
  const uses: Record<string, Partial<IdleFacts>> = {
    'while an agent works or waits for a permission': { activity: { ...activity, busySessions: 1 } },
    'while a run has not ended, whatever it waits for': { hasRun: true },
    'while a command runs in a terminal': { activity: { ...activity, runningCommands: 1 } },
    'when a person has done something': { activity: { ...activity, uses: 4 } },
    'when somebody wants to keep it': { stored: { idleSeconds: 0, observed: null } },
    'when the session proxy was restarted': { activity: { ...activity, instance: 'b' } },
    'when the pod does not answer': { activity: null },
    'when OpenCode does not say whether an agent works': { activity: { ...activity, busySessions: null } },
    'when nobody can say what runs in a terminal': { activity: { ...activity, runningCommands: null } },
    'when it has no limit': { limitMinutes: null },
  };
  for (const [title, change] of Object.entries(uses)) {
    it(title, () => {
      expect(decideIdleStop({ ...idle, ...change })).toMatchObject({ idleSeconds: 0, minutesLeft: null, stop: false });
    });
  }

  it('after an answer that could not be read, with the first good one', () => {
    const unknown = decideIdleStop({ ...idle, activity: null });
    expect(decideIdleStop({ ...idle, stored: unknown })).toMatchObject({ idleSeconds: 0, observed: 'a 3' });
  });
});

/** What happens to a project, in minutes of the real time. */
const happening = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant('quiet' as const), minutes: fc.integer({ min: 1, max: 30 }) }),
  },
  fc.record({
    kind: fc.constantFrom('busy', 'command', 'run', 'unknown', 'frozen'),
    minutes: fc.integer({ min: 1, max: 90 }),
  }),
  fc.record({
    kind: fc.constantFrom('use', 'keep', 'proxy-restart', 'worker-restart', 'shorter-limit'),
    minutes: fc.constant(0),
  }),
);

/**
 * Plays the happenings minute by minute against rounds of a worker, which knows only what it reads and its own stop-watch.
 * @returns the minutes at which the project was stopped, or `null`, and when it was in use or could not be read for the last time
 */
function play(happenings: { kind: string; minutes: number }[]) {
  let stored: IdleFacts['stored'] = { idleSeconds: 0, observed: null };
  let [shownMinutes, limitMinutes]: [number | null, number] = [null, 60];
  let [instance, uses, now, lastUse] = [1, 0, 0, 0];
  let countdownSince: number | null = null;
  let readAt: number | null = null;

  const round = (kind: string): boolean => {
    const read = {
      instance: String(instance),
      uses,
      busySessions: kind === 'busy' ? 1 : 0,
      runningCommands: kind === 'command' ? 1 : 0,
    };
    const facts = {
      limitMinutes,
      shownMinutes,
      hasRun: kind === 'run',
      stored,
      activity: kind === 'unknown' ? null : read,
      elapsedSeconds: readAt === null ? null : (now - readAt) * 60,
    };
    const decision = decideIdleStop(facts);
    ({ minutesLeft: shownMinutes } = decision);
    stored = { idleSeconds: decision.idleSeconds, observed: decision.observed };
    readAt = now;
    countdownSince = shownMinutes === null ? null : (countdownSince ?? now);
    return decision.stop;
  };

  for (const { kind, minutes } of happenings) {
    if (kind === 'worker-restart') readAt = null;
    if (kind === 'proxy-restart') [instance, uses] = [instance + 1, 0];
    if (kind === 'use') uses += 1;
    if (kind === 'keep') [stored, shownMinutes, countdownSince] = [{ idleSeconds: 0, observed: null }, null, null];
    if (kind === 'shorter-limit') limitMinutes = 30;
    if (['proxy-restart', 'use', 'keep'].includes(kind)) lastUse = now;
    for (let minute = 0; minute < minutes; minute += 1) {
      now += 1;
      if (kind === 'frozen') continue;
      if (kind !== 'quiet') lastUse = now;
      if (round(kind)) return { stoppedAt: now, lastUse, limitMinutes, countdownSince };
    }
  }
  return null;
}

describe('whatever happens', () => {
  it('a project is stopped only if it was neither used nor unreadable for the whole limit, and has counted down', () => {
    let stops = 0;
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
        const end = play(happenings);
        if (end === null) return;
        stops += 1;
        expect(end.stoppedAt - end.lastUse).toBeGreaterThanOrEqual(end.limitMinutes);
        // A limit that becomes shorter may take a minute of it, because what is shown was rounded up.
        expect(end.stoppedAt - (end.countdownSince ?? end.stoppedAt)).toBeGreaterThanOrEqual(8);
      }),
      { numRuns: 2_000 },
    );
    expect(stops).toBeGreaterThan(100); // about 850
    expect(longestStepSeconds).toBe(60); // the rounds of this test
  });

  it('a project that stays unused is stopped', () => {
    expect(play([{ kind: 'quiet', minutes: 75 }])).toMatchObject({ limitMinutes: 60 });
  });
});
