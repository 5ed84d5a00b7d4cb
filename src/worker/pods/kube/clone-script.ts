/**
 * The shell script of the init container `clone-repository`. It needs `sh`, `git` and the usual small tools in its image. It
 * clones REPO_URL into the workspace, unless the workspace already contains files of a user. It always exits with 0 and
 * writes its result to the termination message, which `diagnosis/clone-failure.ts` reads: `cloned`, `kept`, or
 * `clone-failed: <cause>: <output of git>`.
 *
 * git checks out directly into the workspace, with its repository in `.cloning`. The last step renames that to `.git`. So
 * `.cloning` marks an interrupted start, and the next start continues it. Files that begin with a dot may come from
 * OpenCode, so they do not count as files of a user.
 */
export const cloneScript = String.raw`
workspace=\${WORKSPACE:-/workspace}
limit=\${CLONE_SECONDS:-300}
output=\`mktemp\`

leave() { printf '%s' "$1" > "\${TERMINATION_MESSAGE:-/dev/termination-log}"; exit 0; }
fail() {
  rm -rf .cloning
  leave "clone-failed: $1: \`head -c 2000 $output\`"
}
fail_git() {
  if [ "$1" = 124 ]; then echo "It did not end within $limit seconds." > $output; fail timeout; fi
  for cause in \
    'no-space=No space left|quota exceeded' \
    'denied=could not read (Username|Password)|Authentication failed|Permission denied|error: 40[13]' \
    'not-found=not found|does not exist|error: 404' \
    'unreachable=Could not resolve|Failed to connect|Connection refused|timed out|unable to access|unable to connect'
  do
    if grep -Eiq "\${cause#*=}" $output; then fail "\${cause%%=*}"; fi
  done
  fail other
}
# Removes what the checkout has written. A checkout that would overwrite a file has written nothing.
undo_checkout() {
  if grep -q 'would be overwritten' $output; then return; fi
  git ls-tree -r -z --name-only HEAD | xargs -0 -r rm -f --
  git ls-tree -r -d -z --name-only HEAD | sort -rz | xargs -0 -r rmdir -- 2> /dev/null
}

: > $output
cd "$workspace" 2> $output || fail other
command -v git > /dev/null || { echo 'There is no git in the image.' > $output; fail other; }
export GIT_TERMINAL_PROMPT=0 GIT_ALLOW_PROTOCOL="\${CLONE_PROTOCOLS:-http:https:ssh}"
export GIT_SSH_COMMAND='ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ConnectTimeout=20'

if [ -d .cloning ]; then
  # An earlier start was interrupted. Every file without a leading dot comes from its checkout.
  force=-f
else
  force=
  if [ -e .git ] || [ -n "\`ls | grep -v '^lost+found$'\`" ]; then leave kept; fi
fi
rm -rf .cloning
timeout "$limit" git clone --quiet --depth 1 --no-checkout -- "$REPO_URL" .cloning 2> $output || fail_git $?
export GIT_DIR=.cloning/.git GIT_WORK_TREE=.
if git rev-parse --quiet --verify HEAD > /dev/null; then
  timeout "$limit" git checkout --quiet $force 2> $output || { code=$?; undo_checkout; fail_git $code; }
fi
mv .cloning/.git .git 2> $output && rmdir .cloning || fail other
leave cloned
`
  .replaceAll('\\$', '$')
  .replaceAll('\\`', '`');
