/** Which projects say something about their idle stop: pure functions. */

import type { Project } from '../../shared/contract/project.ts';

/** Whether the project will stop soon. */
export function countsDown({ status, idleStopInMinutes }: Pick<Project, 'status' | 'idleStopInMinutes'>): boolean {
  return status === 'ready' && idleStopInMinutes !== null;
}

/** Whether it was stopped because nobody used it. */
export function wasIdle({
  status,
  idleStoppedAfterMinutes,
}: Pick<Project, 'status' | 'idleStoppedAfterMinutes'>): boolean {
  return status === 'stopped' && idleStoppedAfterMinutes !== null;
}
