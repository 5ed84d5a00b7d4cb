/**
 * What git says about the working tree of a project, untracked files included. OpenCode could say it too, but starts a program for each
 * untracked file: with 10,000 of them it was at work for minutes, and so was the next request. Here a few programs read all.
 */

import { maxChangedFiles } from '../contract/review.ts';
import { gitFunction } from './branch-script.ts';
import { askGit, type GitClient } from './git-question.ts';
import { changesOf, type BranchChanges } from './task-branch.ts';

/**
 * Compares with a copy of the index that also names untracked files, so git treats them as new ones. Nothing in the repository is
 * changed. Arguments: the folder of the project, `patch` or `list`, and a path or nothing.
 */
const workingTreeScript = String.raw`
project=$1 kind=$2 path=$3
export LC_ALL=C GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0 GIT_LITERAL_PATHSPECS=1
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
${gitFunction}
section() { printf 'section %s\n' "$1"; base64; echo; }
command -v git > /dev/null || exit 0
cd "$project" || exit
[ "$(g rev-parse --show-toplevel 2> /dev/null)" = "$(pwd -P)" ] || exit 0
branch=$(g symbolic-ref --quiet --short HEAD) && echo "branch $branch"
# Before the first commit everything is new.
base=$(g rev-parse --quiet --verify 'HEAD^{commit}') || base=$(g hash-object -t tree /dev/null) || exit
index=$(mktemp) || exit
trap 'rm -f "$index" "$index.lock"' EXIT
# With its time: git compares it with the times of files that have changed right after they were staged.
cp -p "$(g rev-parse --git-path index)" "$index" 2> /dev/null || rm -f "$index"
export GIT_INDEX_FILE="$index"
# A name with "/" at its end is a repository of its own.
g ls-files --others --exclude-standard -z | grep -zv '/$' | head -z -n ${maxChangedFiles} |
  g add --intent-to-add --ignore-errors --pathspec-from-file=- --pathspec-file-nul 2> /dev/null
compare() { if [ -n "$path" ]; then compared "$@" -- "$path"; else compared "$@"; fi; }
compared() { g diff --no-renames --no-color --no-ext-diff --no-textconv --ignore-submodules=dirty "$@"; }
echo "base $base"
echo "head $base"
echo "count $(compare --name-only -z "$base" | tr -dc '\000' | wc -c)"
compare --name-status -z "$base" | head -c 1000000 | section names
compare --numstat -z "$base" | head -c 1200000 | section numbers
if [ "$kind" = patch ]; then
  compare -p --src-prefix=a/ --dst-prefix=b/ "$base" | head -c 2000000 | section patch
fi
`;

export interface WorkingTree extends Pick<BranchChanges, 'files' | 'isTruncated'> {
  /** `null`: there is none, or no repository. */
  branch: string | null;
}

const noRepository: WorkingTree = { branch: null, files: [], isTruncated: false };

/**
 * @param options.path the one file to compare; otherwise all
 * @throws OpenCodeError; BranchError with what git says
 */
export async function readWorkingTree(
  client: GitClient,
  options: { kind: 'list' | 'patch'; path?: string | undefined; waitMs: number; signal: AbortSignal },
): Promise<WorkingTree> {
  const { kind, path = '', ...times } = options;
  const result = await askGit(client, { script: workingTreeScript, args: [kind, path], ...times });
  if (!result?.values.has('base')) return noRepository;
  const { files, fileCount, isTruncated } = changesOf(result);
  const branch = result.values.get('branch') ?? null;
  return { branch, files, isTruncated: kind === 'patch' ? isTruncated : files.length < fileCount };
}
