/**
 * Whether an unused project is stopped: a pure function. It adds up durations that one program has measured, and compares no clocks.
 * What is not known counts as a use.
 */

import { idleCountdownMinutes } from '../../shared/contract/idle-stop.ts';
import type { ProjectActivity } from '../../shared/opencode/read-activity.ts';

export interface IdleFacts {
  /** How long the project may be unused; `null`: for ever. */
  limitMinutes: number | null;
  /** The countdown that people see. */
  shownMinutes: number | null;
  /** A run has not ended: it works, or waits for a person. */
  hasRun: boolean;
  /** What was stored after the last observation. */
  stored: { idleSeconds: number; observed: string | null };
  /** What the pod says now; `null`: it cannot be read. */
  activity: ProjectActivity | null;
  /** Since this program has read it for the last time; `null`: it has not. */
  elapsedSeconds: number | null;
}

export interface IdleDecision {
  idleSeconds: number;
  observed: string | null;
  /** The countdown to show. */
  minutesLeft: number | null;
  stop: boolean;
}

/** A worker that was frozen, or was slow, has observed nothing meanwhile. */
export const longestStepSeconds = 60;
const countdownSeconds = idleCountdownMinutes * 60;

export function decideIdleStop(facts: IdleFacts): IdleDecision {
  const { limitMinutes, activity, stored } = facts;
  const inUse = { idleSeconds: 0, minutesLeft: null, stop: false };
  if (limitMinutes === null || activity === null) return { ...inUse, observed: null };
  const { instance, uses, busySessions, runningCommands } = activity;
  if (busySessions === null || runningCommands === null) return { ...inUse, observed: null };
  const observed = `${instance} ${uses}`;
  // The time begins with the first answer that it is not busy any more.
  if (busySessions > 0 || runningCommands > 0 || facts.hasRun) return { ...inUse, observed: null };
  if (stored.observed !== observed) return { ...inUse, observed };

  const step = Math.min(facts.elapsedSeconds ?? 0, longestStepSeconds);
  const limitSeconds = limitMinutes * 60;
  // Nobody is stopped without the countdown, not even when the limit has become shorter. What is shown was rounded up.
  const least = facts.shownMinutes === null ? countdownSeconds : (facts.shownMinutes - 1) * 60 - step;
  const idleSeconds = Math.min(stored.idleSeconds + step, limitSeconds - least);
  const left = limitSeconds - idleSeconds;
  const minutesLeft = left <= countdownSeconds ? Math.ceil(left / 60) : null;
  return { idleSeconds, observed, minutesLeft, stop: left <= 0 };
}
