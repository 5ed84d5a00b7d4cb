/** What pages say about agents that wait for an answer of a person. Pure functions. */

import type { Project } from '../../shared/contract/project.ts';
import { roleMay } from '../../shared/contract/roles.ts';

type WaitingProject = Pick<Project, 'role' | 'status' | 'waitingRuns' | 'waitingSince' | 'answerLimitMinutes'>;

/** Whether a run of the project has waited for longer than the time limit of the project for this person, who may answer. */
export function isOverdue({ role, status, waitingSince, answerLimitMinutes }: WaitingProject, nowMs: number): boolean {
  if (status === 'archived' || waitingSince === null || !roleMay(role, 'tasks.write')) return false;
  return nowMs - Date.parse(waitingSince) >= answerLimitMinutes * 60_000;
}

/** The projects with a run that is overdue. */
export function countOverdue(projects: Iterable<WaitingProject>, nowMs: number): number {
  let number = 0;
  for (const project of projects) if (isOverdue(project, nowMs)) number += 1;
  return number;
}

/** "2 runs wait for your answer"; for somebody who may not answer "2 runs wait for an answer". */
export function waitingText({ role, waitingRuns }: Pick<Project, 'role' | 'waitingRuns'>): string {
  const answer = roleMay(role, 'tasks.write') ? 'your answer' : 'an answer';
  return waitingRuns === 1 ? `1 run waits for ${answer}` : `${waitingRuns} runs wait for ${answer}`;
}
