/** What a deletion ends, in a sentence: a pure function. */

import type { Task } from '../../shared/contract/tasks.ts';

type TaskInput = Pick<Task, 'title'> & { latestRun: Pick<NonNullable<Task['latestRun']>, 'state'> | null };

/**
 * @param options.isFinal the project is deleted for good. In the trash a run that has not begun goes on waiting.
 * @returns `null`: nothing ends
 */
export function endingRunsText(tasks: readonly TaskInput[], { isFinal }: { isFinal: boolean }): string | null {
  const titlesOf = (...states: string[]) =>
    tasks.filter(({ latestRun: run }) => run !== null && states.includes(run.state)).map(({ title }) => `“${title}”`);
  const working = titlesOf('running', 'waiting-for-answer');
  const waiting = isFinal ? titlesOf('queued', 'waiting-for-project') : [];
  if (working.length + waiting.length === 0) return null;
  const sentences = [sentenceOf(working, 'is running', 'are running'), sentenceOf(waiting, 'waits', 'wait')];
  const end = working.length + waiting.length === 1 ? 'The deletion ends it.' : 'The deletion ends them.';
  return [...sentences, end].filter((sentence) => sentence !== null).join(' ');
}

function sentenceOf([first, ...others]: string[], one: string, several: string): string | null {
  if (first === undefined) return null;
  if (others.length === 0) return `The task ${first} ${one}.`;
  return `${others.length + 1} tasks ${several}, ${first} among them.`;
}
