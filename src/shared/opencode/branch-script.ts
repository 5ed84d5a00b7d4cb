/** git without the programs that a repository can make it run. */
export const gitFunction = String.raw`g() {
  git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.quotePath=false -c gc.auto=0 -c maintenance.auto=false \
    -c commit.gpgSign=false -c submodule.recurse=false -c merge.autoStash=false -c merge.verifySignatures=false "$@"
}`;

/**
 * The shell script that does what git has to do for the branch of a task. OpenCode runs it in its own container, because the
 * configuration and the hooks of a repository can make git run any program. Needs `sh`, git 2.38 and the usual small tools.
 *
 * Each action can be repeated: after a crash between any two lines the next call completes it or says why it cannot. Actions of one
 * project follow each other by a lock. The first argument is the action, the second one the folder of the project, the third one
 * the worktree, the fourth one the branch. The worktree and the branch belong to one task alone.
 *
 * On standard output come lines of a word and a value, and sections: a line `section <name>`, and base64 until an empty line.
 */
export const branchScript = String.raw`
action=$1 project=$2 tree=$3 branch=$4 text=$5 expected=$6
export LC_ALL=C GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0 GIT_EDITOR=true
export GIT_SSH_COMMAND='ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ConnectTimeout=20'
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
ref=refs/heads/$branch

${gitFunction}
# The name of OpenCode counts where the repository has no identity.
identify() {
  if ! g var GIT_COMMITTER_IDENT > /dev/null 2>&1 || [ "$1" = agent ]; then
    export GIT_AUTHOR_NAME=OpenCode GIT_AUTHOR_EMAIL=opencode@localhost
    export GIT_COMMITTER_NAME=OpenCode GIT_COMMITTER_EMAIL=opencode@localhost
  fi
}
commit_of() { g rev-parse --quiet --verify "$1^{commit}"; }
section() { printf 'section %s\n' "$1"; base64; echo; }
in_tree() { g -C "$tree" "$@"; }

# Says which folder cannot have branches. Otherwise it enters the project.
enter() {
  command -v git > /dev/null || { echo 'no-branches no-git'; return 1; }
  cd "$project" || exit
  top=$(g rev-parse --show-toplevel 2> /dev/null) || { echo 'no-branches no-repository'; return 1; }
  [ "$top" = "$(pwd -P)" ] || { echo 'no-branches no-repository'; return 1; }
  commit_of HEAD > /dev/null || { echo 'no-branches no-commit'; return 1; }
}

is_ready() {
  dir=
  [ -f "$tree/.git" ] && dir=$(in_tree rev-parse --absolute-git-dir 2> /dev/null) || return 1
  # git marks a worktree that it has not completed.
  [ "$(cat "$dir/locked" 2> /dev/null)" != initializing ]
}

remove_tree() {
  g worktree unlock "$tree" 2> /dev/null
  g worktree remove --force --force "$tree" 2> /dev/null
  rm -rf "$tree" || exit
  g worktree prune
}

prepare() {
  enter || return 0
  mkdir -p "$(dirname "$tree")" || exit
  if ! is_ready; then
    if [ -f "$dir/locked" ]; then remove_tree; fi
    # Something that git does not know: it may contain work.
    if [ -e "$tree" ]; then mv "$tree" "$tree.$(date +%s)" || exit; fi
    g worktree prune
    if commit_of "$ref" > /dev/null; then g worktree add "$tree" "$branch" >&2 || exit
    else g worktree add --no-track -b "$branch" "$tree" HEAD >&2 || exit; fi
  fi
  echo "base $(in_tree merge-base "$(commit_of HEAD)" HEAD || commit_of HEAD)"
  echo "uncommitted $(g status --porcelain 2> /dev/null | head -n 1000 | wc -l)"
  echo ready
}

# Commits what is in the worktree, and makes the branch what the agent has left there.
save() {
  if ! is_ready; then return 0; fi
  rm -f "$dir/index.lock"
  if [ -d "$dir/rebase-merge" ] || [ -d "$dir/rebase-apply" ]; then echo 'unsaved rebase'; return 0; fi
  in_tree diff --name-only --diff-filter=U -z > "$files" || exit
  if [ -s "$files" ] && (cd "$tree" && xargs -0 grep -l '^<<<<<<< ' -- < "$files" > /dev/null 2>&1); then
    echo 'unsaved conflicts'
    head -c 500000 "$files" | section conflicts
    return 0
  fi
  in_tree add --all || exit
  if ! in_tree diff --cached --quiet || [ -f "$dir/MERGE_HEAD" ]; then
    identify agent
    in_tree commit --quiet --no-verify --allow-empty -m "$text" || exit
  fi
  if [ "$(in_tree symbolic-ref --quiet HEAD)" != "$ref" ]; then
    in_tree update-ref "$ref" "$(in_tree rev-parse HEAD)" || exit
    in_tree symbolic-ref HEAD "$ref" || exit
  fi
  if in_tree status --porcelain 2> /dev/null | grep -q .; then echo 'unsaved rest'; fi
}

changes() {
  enter || return 0
  head=$(commit_of "$ref") || { echo gone; return 0; }
  base=$(g merge-base HEAD "$head") || base=$head
  diff="--no-renames --no-color --no-ext-diff --no-textconv --ignore-submodules=none"
  echo "base $base"
  echo "head $head"
  echo "uncommitted $(g status --porcelain 2> /dev/null | head -n 1000 | wc -l)"
  echo "count $(g diff $diff --name-only -z "$base" "$head" | tr -dc '\000' | wc -c)"
  g diff $diff --name-status -z "$base" "$head" | head -c 1000000 | section names
  g diff $diff --numstat -z "$base" "$head" | head -c 1200000 | section numbers
  g diff $diff -p --src-prefix=a/ --dst-prefix=b/ "$base" "$head" | head -c 2000000 | section patch
}

# The merge is computed beside the working tree. Only its result is checked out, and git refuses that where it would overwrite files.
merge() {
  enter || return 0
  head=$(commit_of "$ref") || { echo gone; return 0; }
  [ "$head" = "$expected" ] || { echo moved; return 0; }
  current=$(g symbolic-ref --quiet HEAD) || { echo detached; return 0; }
  [ "$current" != "$ref" ] || { echo checked-out; return 0; }
  if g merge-base --is-ancestor "$head" HEAD; then echo "merged $(commit_of HEAD)"; return 0; fi
  dir=$(g rev-parse --absolute-git-dir)
  if [ -f "$dir/MERGE_HEAD" ] || [ -d "$dir/rebase-merge" ] || [ -d "$dir/rebase-apply" ]; then echo unfinished; return 0; fi
  g merge-tree --write-tree --name-only --no-messages -z HEAD "$head" > "$files"
  case $? in
    0) ;;
    1) head -c 500000 "$files" | section conflicts; return 0 ;;
    *) exit 1 ;;
  esac
  identify person
  commit=$(g commit-tree "$(tr '\000' '\n' < "$files" | head -n 1)" -p HEAD -p "$head" -m "$text") || exit
  if g merge --quiet --ff-only --no-stat "$commit" 2> "$files"; then echo "merged $commit"; return 0; fi
  # Files of the person that differ, and that the merge would overwrite.
  if grep -q 'would be overwritten\|would lose' "$files"; then grep '^	' "$files" | head -c 500000 | section overwritten; return 0; fi
  cat "$files" >&2
  exit 1
}

remove() {
  enter || return 0
  [ "$(g symbolic-ref --quiet HEAD)" != "$ref" ] || { echo checked-out; return 0; }
  remove_tree
  if commit_of "$ref" > /dev/null; then g update-ref -d "$ref" || exit; fi
  echo removed
}

push() {
  enter || return 0
  commit_of "$ref" > /dev/null || { echo gone; return 0; }
  remote=$(g config "branch.$(g symbolic-ref --quiet --short HEAD).remote" || g remote | head -n 1)
  [ -n "$remote" ] && [ "$remote" != . ] || { echo no-remote; return 0; }
  g push --quiet --no-verify "$remote" "$ref:$ref" >&2 || exit
  echo pushed
}

files=$(mktemp) || exit
trap 'rm -f "$files"' EXIT
dir=
case $action in
  prepare | save | changes | merge | remove | push) "$action" ;;
  *) exit 64 ;;
esac
`;

/**
 * Runs the script in the argument after the first three, and stores its result in a file, which appears when the script has ended. It is
 * written to another name first, so nobody reads a part of it. Arguments: the folder of the results, the name of the file, the
 * time limit in seconds, the script, and the arguments of the script.
 */
export const resultScript = String.raw`
results=$1 name=$2 limit=$3 script=$4
shift 4
umask 077
case $results in
  */.git/*) [ -d "$results" ] || mkdir "$results" ;; # a folder without a repository gets none
  *) mkdir -p "$results" ;;
esac && cd "$results" || exit
find . -type f -mmin +10 ! -name lock -delete
run() { if command -v timeout > /dev/null; then timeout "$limit" /bin/sh -c "$script" sh "$@"; else /bin/sh -c "$script" sh "$@"; fi; }
{
  code=75
  if ! command -v flock > /dev/null || flock -w 45 9; then
    (cd / && run "$@") > "$name.out" 2> "$name.err" 9>&- < /dev/null
    code=$?
  else
    echo 'Another action of git in this project takes long.' > "$name.err"
    : > "$name.out"
  fi
} 9> lock
{ echo "exit $code"; cat "$name.out"; echo 'section errors'; head -c 4000 "$name.err" | base64; echo; echo end; } > "$name.part" &&
  mv "$name.part" "$name"
rm -f "$name.out" "$name.err"
`;
