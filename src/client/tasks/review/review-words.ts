/** What the review of a task says and asks. Pure functions. */

import type { TaskChanges } from '../../../shared/contract/review.ts';
import type { Workspace } from '../../../shared/contract/tasks.ts';
import { count } from '../../ui/format.ts';

/** "3 files, 12 lines added, 4 removed" */
export function sizeOf({ files, fileCount }: Pick<TaskChanges, 'files' | 'fileCount'>): string {
  const sum = (key: 'additions' | 'deletions') => files.reduce((total, file) => total + file[key], 0);
  const [added, removed] = [sum('additions'), sum('deletions')];
  return `${count(fileCount, 'file')}, ${count(added, 'line')} added, ${removed.toLocaleString('en')} removed`;
}

/** What a person should know before the decision; none if there is nothing. */
export function notesOn(changes: TaskChanges): string[] {
  const notes: string[] = [];
  if (changes.problem !== null) notes.push(changes.problem);
  if (changes.uncommitted > 0) {
    const files = changes.uncommitted >= 1_000 ? 'At least 1,000 files' : count(changes.uncommitted, 'file');
    const verb = changes.uncommitted === 1 ? 'is' : 'are';
    notes.push(
      `${files} of the project ${verb} not committed. The agent does not know these changes; they stay as they are.`,
    );
  }
  const hidden = changes.fileCount - changes.files.length;
  if (hidden > 0) notes.push(`${count(hidden, 'further file')} changed too, more than can be listed here.`);
  else if (changes.isTruncated) notes.push('The lines of some large files are not shown here.');
  return notes;
}

/** Why the agent works in the folder of the project itself. */
export function whyNoBranch({ cause }: Extract<Workspace, { kind: 'project' }>): string {
  const rest = 'so the agent worked in the folder of the project itself. Its changes are there, in the Files tab.';
  switch (cause) {
    case 'no-commit':
      return `The project has no commit yet, ${rest} Commit once: then each task gets a branch of its own.`;
    case 'no-repository':
      return `The folder of the project is no git repository, ${rest} With “git init” and a commit each task gets a branch of its own.`;
    case 'no-git':
      return `There is no git in the image of the project, ${rest} An administrator can add it.`;
    case 'older':
      return `The work on this task began before tasks had branches, ${rest}`;
  }
}

/** The prompt for the agent when the branch cannot be merged. */
export function conflictPrompt(files: readonly string[]): string {
  const listed = files.slice(0, 50).map((file) => `- ${file}`);
  const more = files.length > 50 ? [`- and ${files.length - 50} more`] : [];
  return [
    'The branch of the project has changed the same lines as you. Merge it into your branch and resolve the conflicts in:',
    ...listed,
    ...more,
    'Find the branch that the main worktree has checked out with "git worktree list". Keep the intention of both sides. Do not push.',
  ].join('\n');
}
