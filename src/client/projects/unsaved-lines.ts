/** What git says about unsaved work, as lines for people: a pure function. */

import type { UnsavedWork } from '../../shared/contract/files.ts';
import { count } from '../ui/format.ts';

/** No line: everything is committed and pushed. */
export function unsavedLines({ repository }: UnsavedWork): string[] {
  if (repository === null) return ['All files. The project is no git repository.'];
  const { changedFiles, changedFilesOfTasks, stashes, hasRemote, detachedCommits, branches, hasMoreBranches } =
    repository;
  const { submodules } = repository;
  return [
    ...(hasRemote ? [] : ['All commits. The repository has no remote.']),
    ...(changedFiles > 0 ? [`${count(changedFiles, 'file')} with changes that are not committed`] : []),
    ...(changedFilesOfTasks > 0
      ? [`${count(changedFilesOfTasks, 'file')} that tasks have changed and not committed`]
      : []),
    ...(stashes > 0 ? [count(stashes, 'stashed change')] : []),
    ...(detachedCommits === 0 ? [] : [`${commits(detachedCommits)} that no branch has`]),
    ...(hasRemote ? branches.map(({ name, commits: number }) => `${commits(number)} of the branch ${name}`) : []),
    ...(submodules > 0 ? [`Perhaps commits of ${count(submodules, 'submodule')}, which nobody has looked at`] : []),
    ...(hasRemote && hasMoreBranches ? ['Commits of further branches'] : []),
  ];
}

function commits(number: number | null): string {
  return number === null ? 'Commits' : count(number, 'commit');
}
