/** What a project says about its state, as one text for assertions. */

import type { Project } from '../../src/shared/contract/project.ts';

export function projectText({
  message,
  nextStep,
  evidence,
}: Pick<Project, 'message' | 'nextStep' | 'evidence'>): string {
  return [message, nextStep, ...evidence.map(({ text }) => text)].join(' ');
}
