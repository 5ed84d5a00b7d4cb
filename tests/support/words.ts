import type { Project } from '../../src/shared/contract/project.ts';

/** All that is said of a project: the sentence, what comes next, and the raw text. */
export function wordsOf({ message, next, evidence }: Pick<Project, 'message' | 'next' | 'evidence'>): string {
  return [message, next, ...evidence.map(({ text }) => text)].join(' ');
}
