/**
 * The shell program of the init container `clone-repository`: it needs `sh` and `git` and nothing else of its image. It
 * clones REPO_URL into the workspace unless somebody's work is there, always ends well, and leaves its last words where
 * Kubernetes keeps them, as `shared/contract/explain/clone-note.ts` reads them: `cloned`, `kept`, or
 * `clone-failed: <cause>: <what git said>`.
 *
 * The checkout goes straight into the workspace with the repository beside it in `.cloning`, which becomes `.git` as the
 * last step: a start that was cut off is told by it, and goes on. What OpenCode keeps in files with a dot is nobody's work.
 */
export const cloneScript = String.raw`
workspace=\${WORKSPACE:-/workspace}
limit=\${CLONE_SECONDS:-300}
said=\`mktemp\`

leave() { printf '%s' "$1" > "\${LAST_WORDS:-/dev/termination-log}"; exit 0; }
fail() {
  rm -rf .cloning
  leave "clone-failed: $1: \`head -c 2000 $said\`"
}
refused() {
  if [ "$1" = 124 ]; then echo "It did not end within $limit seconds." > $said; fail timeout; fi
  for cause in \
    'no-space=No space left|quota exceeded' \
    'denied=could not read (Username|Password)|Authentication failed|Permission denied|error: 40[13]' \
    'not-found=not found|does not exist|error: 404' \
    'unreachable=Could not resolve|Failed to connect|Connection refused|timed out|unable to access|unable to connect'
  do
    if grep -Eiq "\${cause#*=}" $said; then fail "\${cause%%=*}"; fi
  done
  fail other
}
# What the checkout has written so far; it has written nothing where it met somebody's file.
take_back() {
  if grep -q 'would be overwritten' $said; then return; fi
  git ls-tree -r -z --name-only HEAD | xargs -0 -r rm -f --
  git ls-tree -r -d -z --name-only HEAD | sort -rz | xargs -0 -r rmdir -- 2> /dev/null
}

: > $said
cd "$workspace" 2> $said || fail other
command -v git > /dev/null || { echo 'There is no git in the image.' > $said; fail other; }
export GIT_TERMINAL_PROMPT=0 GIT_ALLOW_PROTOCOL="\${CLONE_PROTOCOLS:-http:https:ssh}"
export GIT_SSH_COMMAND='ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ConnectTimeout=20'

if [ -d .cloning ]; then
  # A start that was cut off: all that lies here without a dot is of its checkout.
  force=-f
else
  force=
  if [ -e .git ] || [ -n "\`ls | grep -v '^lost+found$'\`" ]; then leave kept; fi
fi
rm -rf .cloning
timeout "$limit" git clone --quiet --depth 1 --no-checkout -- "$REPO_URL" .cloning 2> $said || refused $?
export GIT_DIR=.cloning/.git GIT_WORK_TREE=.
if git rev-parse --quiet --verify HEAD > /dev/null; then
  timeout "$limit" git checkout --quiet $force 2> $said || { code=$?; take_back; refused $code; }
fi
mv .cloning/.git .git 2> $said && rmdir .cloning || fail other
leave cloned
`
  .replaceAll('\\$', '$')
  .replaceAll('\\`', '`');
