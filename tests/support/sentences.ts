import type { Project } from '../../src/shared/contract/project.ts';

/** All that is said of a project: the sentence, what comes nextStep, and the raw text. */
export function wordsOf({ message, nextStep, evidence }: Pick<Project, 'message' | 'nextStep' | 'evidence'>): string {
  return [message, nextStep, ...evidence.map(({ text }) => text)].join(' ');
}
