/** Why git did not do what it was asked for the branch of a task, in sentences for people. Pure. */

import { z } from 'zod';

import { cleanText } from '../clean-texts.ts';
import type { ScriptResult } from './run-script.ts';

/** git did not do what it was asked. The message is for people. */
export class BranchError extends Error {
  override readonly name = 'BranchError';
}

export type NoBranches = 'no-git' | 'no-repository' | 'no-commit';

export function noBranchesOf(values: ScriptResult['values']): NoBranches | null {
  const parsed = z.enum(['no-git', 'no-repository', 'no-commit']).safeParse(values.get('no-branches'));
  return parsed.success ? parsed.data : null;
}

/** What in the state of the project keeps git from doing it; `null`: nothing. */
export function stateProblem(values: ScriptResult['values']): string | null {
  if (values.has('detached')) {
    return 'The project has no branch checked out. Check out the branch that should get the changes, then try again.';
  }
  if (values.has('checked-out')) {
    return 'The project itself has the branch of this task checked out. Check out another branch there, then try again.';
  }
  if (values.has('unfinished')) {
    return 'A merge or rebase in the folder of the project is unfinished. Finish or abort it there, then try again.';
  }
  if (values.has('no-remote'))
    return 'The repository has no remote, so there is nowhere to push. Add one with “git remote add”.';
  if (noBranchesOf(values))
    return 'The folder of the project is no git repository with a commit any more. Repair it there, then try again.';
  return null;
}

export function problemOf(unsaved: string | undefined, conflicts: string[]): string | null {
  switch (unsaved) {
    case undefined:
      return null;
    case 'rebase':
      return 'The agent left a rebase unfinished, so its last changes are not committed. Send a follow-up that tells it to finish or abort the rebase.';
    case 'conflicts':
      return `The agent left conflicts in ${listed(conflicts)}, so its last changes are not committed. Send a follow-up that tells it to resolve them.`;
    default:
      return 'Some of the last changes could not be committed, for example in a repository inside of the repository. Look at the worktree in a terminal of the project.';
  }
}

/** “a”, “b” and 3 more */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => `“${cleanText(name, 200).replaceAll('\n', ' ')}”`);
  const more = names.length - shown.length;
  if (shown.length === 0) return 'some files';
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

export function unreadable(): BranchError {
  return new BranchError('What git answered cannot be read. Restart the project, then try again.');
}

const causes: { pattern: RegExp; message: string }[] = [
  {
    pattern: /no space left|quota exceeded/i,
    message: 'The volume of the project is full. Delete files, then try again.',
  },
  {
    pattern: /could not read (?:username|password)|authentication failed|permission denied|error: 40[13]|denied to/i,
    message:
      'The remote refused the push: OpenCode has no credential that allows it. Set one up in a terminal of the project, for example with “git credential” or an SSH key.',
  },
  {
    pattern: /non-fast-forward|fetch first|stale info/i,
    message: 'The remote has another version of this branch. Look at it in a terminal of the project.',
  },
  {
    pattern: /could not resolve|failed to connect|connection refused|timed out|unable to access|unable to connect/i,
    message: 'The remote does not answer. Try again later.',
  },
  {
    pattern: /already (?:checked out|used by worktree)/i,
    message: 'The branch of the task is checked out elsewhere. Check out another branch there, then try again.',
  },
  {
    pattern: /\.lock': file exists/i,
    message:
      'Another git command is at work in the project, or was interrupted. Try again; if it stays, delete the file “.lock” that git names in a terminal of the project.',
  },
];

export function failureOf(action: string, { errors, exitCode }: ScriptResult): string {
  const known = causes.find(({ pattern }) => pattern.test(errors));
  if (known) return known.message;
  if (exitCode === 124)
    return 'git did not end within two minutes. Look at the repository in a terminal of the project.';
  const cause = errors === '' ? `exit code ${exitCode}` : `“${quote(withoutSecrets(errors))}”`;
  return `git failed (${action}: ${cause}). Look at the repository in a terminal of the project, then try again.`;
}

/** Addresses of remotes may contain a password or a token. */
export function withoutSecrets(text: string): string {
  return text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi, '$1');
}

function quote(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 300 ? `…${line.slice(-299)}` : line;
}
