/** What exists only on the volume of a project: changes that are not committed, and commits that no remote has, as far as git knows. */

import { cleanText } from '../clean-texts.ts';
import type { UnsavedWork } from '../contract/files.ts';
import { gitFunction } from './branch-script.ts';
import { askGit, type GitClient } from './git-question.ts';
import type { ScriptResult } from './run-script.ts';

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
# What git cannot read is not taken for saved.
top=$(g rev-parse --show-toplevel) || exit 1
[ "$top" = "$(pwd -P)" ] || exit 0
status=$(mktemp) || exit
trap 'rm -f "$status"' EXIT
changed_in() {
  g -C "$1" status --porcelain -z --no-renames --untracked-files=all --ignore-submodules=none > "$status" || return
  tr -dc '\000' < "$status" | wc -c
}
unpushed() { g rev-list --count "$@" --remotes 2> /dev/null || echo -1; }
# Adds up the commits that no branch has; -1: not known.
loose=0
add_detached() {
  ! g -C "$1" symbolic-ref --quiet HEAD > /dev/null || return 0
  commit=$(g -C "$1" rev-parse --quiet --verify HEAD) || return 0
  count=$(unpushed "$commit" --not --branches)
  if [ "$count" = -1 ] || [ "$loose" = -1 ]; then loose=-1; else loose=$((loose + count)); fi
}
files=$(changed_in .) || exit 1
echo "files $files"
trees=$(g worktree list --porcelain) || exit 1
trees=$(printf '%s\n' "$trees" | sed -n 's/^worktree //p' | tail -n +2)
sum=0
while IFS= read -r tree; do
  [ -d "$tree" ] || continue
  files=$(changed_in "$tree") || exit 1
  sum=$((sum + files))
  add_detached "$tree"
done << trees
$trees
trees
echo "worktree-files $sum"
if g rev-parse --quiet --verify refs/stash > /dev/null; then
  stashes=$(g rev-list --walk-reflogs --count refs/stash -- 2> /dev/null)
  echo "stashes $(( ${'$'}{stashes:-0} > 0 ? stashes : 1 ))"
fi
echo "remotes $(g remote | wc -l)"
echo "submodules $(g ls-files --stage | grep -c '^160000 ')"
add_detached .
echo "detached $loose"
echo 'section branches'
g for-each-ref --format='%(refname)' refs/heads | while IFS= read -r ref; do
  count=$(unpushed "$ref" --not)
  [ "$count" = 0 ] || echo "$count $ref"
done | head -n ${maxBranches + 1} | base64
echo
`;

/** @throws OpenCodeError; BranchError with what git says */
export async function readUnsavedWork(
  client: GitClient,
  times: { waitMs: number; signal: AbortSignal },
): Promise<UnsavedWork> {
  const result = await askGit(client, { script: unsavedWorkScript, args: [], ...times });
  return result?.values.has('files') ? unsavedWorkOf(result) : noRepository;
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
      submodules: number('submodules'),
    },
  };
}

/** git did not say it of a broken branch. */
const commitsOf = (count: number): number | null => (count < 0 ? null : count);
