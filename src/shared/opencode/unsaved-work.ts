/** What exists only on the volume of a project: changes that are not committed, and commits that no remote has, as far as git knows. */

import { cleanText } from '../clean-texts.ts';
import type { UnsavedWork } from '../contract/files.ts';
import { BranchError, failureOf } from './branch-problems.ts';
import { gitFunction } from './branch-script.ts';
import type { OpenCodeClient } from './opencode-client.ts';
import { OpenCodeError } from './opencode-error.ts';
import { runScript, type ScriptResult } from './run-script.ts';

const limitMs = 30_000;
const busyExitCode = 75;
/** A person does not read a longer list. */
const maxBranches = 20;
const maxNameLength = 200;

/** Changes nothing. The argument is the folder of the project. */
const unsavedWorkScript = String.raw`
export LC_ALL=C GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
${gitFunction}
command -v git > /dev/null || exit 0
cd "$1" || exit
[ "$(g rev-parse --show-toplevel 2> /dev/null)" = "$(pwd -P)" ] || exit 0
changed_in() { g -C "$1" status --porcelain -z --no-renames --untracked-files=all --ignore-submodules=dirty | tr -dc '\000' | wc -c; }
echo "files $(changed_in .)"
g worktree list --porcelain | sed -n 's/^worktree //p' | tail -n +2 | {
  sum=0
  while IFS= read -r tree; do [ -d "$tree" ] && sum=$((sum + $(changed_in "$tree"))); done
  echo "worktree-files $sum"
}
echo "stashes $(g rev-list --walk-reflogs --count refs/stash -- 2> /dev/null || echo 0)"
echo "remotes $(g remote | wc -l)"
unpushed() { g rev-list --count "$@" --remotes 2> /dev/null || echo -1; }
g symbolic-ref --quiet HEAD > /dev/null || echo "detached $(unpushed HEAD --not --branches)"
echo 'section branches'
g for-each-ref --format='%(refname)' refs/heads | while IFS= read -r ref; do
  count=$(unpushed "$ref" --not)
  [ "$count" = 0 ] || echo "$count $ref"
done | head -n ${maxBranches + 1} | base64
echo
`;

/** @throws OpenCodeError; BranchError with what git says */
export async function readUnsavedWork(
  client: Pick<OpenCodeClient, 'readWorkingFolder' | 'startCommand' | 'isCommandRunning' | 'readFile'>,
  { waitMs, signal }: { waitMs: number; signal: AbortSignal },
): Promise<UnsavedWork> {
  const project = await client.readWorkingFolder();
  if ((await client.readFile({ folder: project, path: '.git/HEAD' })) === null) return noRepository;
  const result = await runScript(client, {
    script: unsavedWorkScript,
    args: [project],
    folder: `${project}/.git/project-manager`,
    workingFolder: project,
    limitMs,
    waitMs,
    signal,
  });
  if (result.exitCode === busyExitCode) throw new OpenCodeError('unreachable', result.errors);
  if (result.exitCode !== 0) throw new BranchError(failureOf('changes', result));
  if (!result.values.has('files')) return noRepository;
  return unsavedWorkOf(result);
}

const noRepository: UnsavedWork = { unknown: null, repository: null };

function unsavedWorkOf({ values, sections }: Pick<ScriptResult, 'values' | 'sections'>): UnsavedWork {
  const number = (word: string) => Number(values.get(word) ?? 0);
  const lines = (sections.get('branches')?.toString('utf8') ?? '').split('\n').filter((line) => line !== '');
  const branches = lines.map((line) => {
    const [, commits = '-1', ref = ''] = /^(-?\d+) (.*)$/.exec(line) ?? [];
    return { name: cleanText(ref.replace('refs/heads/', ''), maxNameLength), commits: commitsOf(Number(commits)) };
  });
  return {
    unknown: null,
    repository: {
      changedFiles: number('files'),
      changedFilesOfTasks: number('worktree-files'),
      stashes: number('stashes'),
      hasRemote: number('remotes') > 0,
      detachedCommits: commitsOf(number('detached')),
      branches: branches.slice(0, maxBranches),
      hasMoreBranches: branches.length > maxBranches,
    },
  };
}

/** git did not say it of a broken branch. */
const commitsOf = (count: number): number | null => (count < 0 ? null : count);
