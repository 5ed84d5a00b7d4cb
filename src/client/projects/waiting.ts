/** What pages say about agents that wait for an answer of a person. Pure functions. */

import type { Project } from '../../shared/contract/project.ts';

type WaitingProject = Pick<Project, 'status' | 'waitingRuns' | 'waitingSince' | 'answerLimitMinutes'>;

/** Whether a run of the project has waited for longer than the time limit of the project. */
export function isOverdue({ status, waitingSince, answerLimitMinutes }: WaitingProject, nowMs: number): boolean {
  if (status === 'archived' || waitingSince === null) return false;
  return nowMs - Date.parse(waitingSince) >= answerLimitMinutes * 60_000;
}

/** The projects with a run that is overdue. */
export function countOverdue(projects: Iterable<WaitingProject>, nowMs: number): number {
  let number = 0;
  for (const project of projects) if (isOverdue(project, nowMs)) number += 1;
  return number;
}

/** "2 runs wait for your answer". */
export function waitingText({ waitingRuns }: Pick<Project, 'waitingRuns'>): string {
  return waitingRuns === 1 ? '1 run waits for your answer' : `${waitingRuns} runs wait for your answer`;
}
