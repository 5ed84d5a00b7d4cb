/**
 * The shell script of the init container: it clones the repository, creates an empty one, or moves the files of an old volume into
 * the layout of today. It needs `sh`, `git` and the usual small tools in its image.
 * Afterwards `/workspace/project` is the repository and OpenCode's working folder, and `/workspace/.home` is `HOME`. The home must
 * not lie inside the repository: OpenCode would take snapshots of its own data.
 *
 * It also writes the configuration of the project, PROJECT_CONFIG and PROJECT_RULES, to where `session-proxy/project-config.ts`
 * describes it. With REPO_URL it clones the repository, without it it creates an empty one. OpenCode shows no diffs without a commit, so a
 * repository without one gets an empty first commit. Files of a user are never touched. The script always exits with 0 and writes
 * its result to the termination message, which `diagnosis/clone-failure.ts` reads: `cloned`, `created`, `kept`, or
 * `clone-failed: <cause>: <output of git>`.
 *
 * Every step builds a folder beside its target and renames it, so an interrupted start leaves nothing half done.
 */

import { ownPodName } from '../../../shared/opencode/model-config.ts';

const ownPodPattern = ownPodName.replaceAll('.', String.raw`\.`);

export const workspaceScript = String.raw`
workspace=\${WORKSPACE:-/workspace}
limit=\${CLONE_SECONDS:-300}
output=\`mktemp\`

leave() { printf '%s' "$1" > "\${TERMINATION_MESSAGE:-/dev/termination-log}"; exit 0; }
# The next start tries again, because the project folder stays empty.
fail() {
  rm -rf .cloning
  mkdir -p project
  leave "clone-failed: $1: \`head -c 2000 $output\`"
}
fail_git() {
  if [ "$1" = 124 ]; then echo "It did not end within $limit seconds." > $output; fail timeout; fi
  for cause in \
    'no-space=No space left|quota exceeded' \
    'no-memory=died of signal 9|^fatal: out of memory|^fatal: .*malloc failed' \
    'no-checkout=unable to checkout working tree' \
    'rate-limited=returned error: 429' \
    'server-error=returned error: 5[0-9][0-9]' \
    'untrusted=certificate verif|SSL certificate problem|self.signed certificate|Host key verification failed' \
    'no-repository=is this a git repository|unable to update url base|invalid server response|hash algorithm' \
    'denied=could not read (Username|Password)|Authentication failed|Permission denied|returned error: 40[13]' \
    'not-found=not found|does not exist|returned error: 4(04|10)' \
    'refused=returned error: 4[0-9][0-9]' \
    'unreachable=Could not resolve|Failed to connect|Connection (refused|closed by)|timed out|unable to access|unable to connect' \
    'interrupted=RPC failed|early EOF|unexpected disconnect|hung up unexpectedly'
  do
    if grep -Eiq "\${cause#*=}" $output; then fail "\${cause%%=*}"; fi
  done
  fail other
}
is_web_url() { case $REPO_URL in [Hh][Tt][Tt][Pp]*) return 0 ;; *) return 1 ;; esac; }
answers_in_packets() { GIT_TRACE_PACKET=1 timeout "$limit" git ls-remote -- "$REPO_URL" 2>&1 | grep -q 'packet: .*<'; }
clone() { timeout "$limit" git clone --quiet --depth 1 "$@" -- "$REPO_URL" .cloning 2> $output || fail_git $?; }
has_commit() { git -C "$1" rev-parse --quiet --verify HEAD > /dev/null; }
# A usual name first.
choose_branch() {
  branches=\`timeout "$limit" git ls-remote --heads -- "$REPO_URL" 2> /dev/null | sed 's|^.*refs/heads/||'\`
  for name in main master; do
    if printf '%s\n' "$branches" | grep -qx "$name"; then echo "$name"; return 0; fi
  done
  printf '%s\n' "$branches" | head -n 1
}
is_empty() { [ ! -e "$1" ] || [ -z "\`ls -A "$1"\`" ]; }
add_first_commit() {
  if has_commit "$1"; then return 0; fi
  git -C "$1" -c user.name=OpenCode -c user.email=opencode@localhost commit --quiet --allow-empty -m 'Start the project'
}

# The agent can put a link there, which must not lead the file elsewhere.
put_file() { rm -rf "$2.new"; printf '%s' "$1" > "$2.new" && mv -f "$2.new" "$2"; }

# What OpenCode reads. Without it OpenCode starts with what an earlier start has written.
write_config() {
  if [ -z "$PROJECT_CONFIG" ]; then return 0; fi
  config=\`printf '%s' "$PROJECT_CONFIG" | sed "s/${ownPodPattern}/\${POD_IP:-127.0.0.1}/g"\`
  own="$HOME/.project-manager"
  for folder in "$own" "$own/given"; do
    if [ -L "$folder" ]; then rm -f "$folder"; fi
    mkdir -p "$folder"
    put_file "$config
" "$folder/opencode.json" && put_file "$PROJECT_RULES" "$folder/rules.md" || return 0
  done
  put_file "{\"version\":$PROJECT_CONFIG_VERSION,\"isRead\":true}" "$own/state.json"
}

: > $output
cd "$workspace" 2> $output || fail other
command -v git > /dev/null || { echo 'There is no git in the image.' > $output; fail other; }
export GIT_TERMINAL_PROMPT=0 GIT_ALLOW_PROTOCOL="\${CLONE_PROTOCOLS:-http:https:ssh}"
# git reads one file of authorities, so the given one is added to those of the image.
authority=\${CA_FILE:-/etc/git-ca/ca.crt}
if [ -s "$authority" ]; then
  GIT_SSL_CAINFO=\`mktemp\`
  export GIT_SSL_CAINFO
  cat "\${SYSTEM_CA:-/etc/ssl/certs/ca-certificates.crt}" > "$GIT_SSL_CAINFO" 2> /dev/null || :
  { echo; cat "$authority"; } >> "$GIT_SSL_CAINFO"
fi
export GIT_SSH_COMMAND='ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ConnectTimeout=20'

# Until version 0.2 the repository and the home were both /workspace itself. Each entry is moved to where it belongs now. The
# repository moves last, because it knows which of the folders with a dot are its own.
is_tracked() { [ -d .git ] && [ -n "\`git ls-files -- "$1"\`" ]; }
if [ ! -d .home ]; then
  mkdir -p .moving/project .moving/home
  for entry in * .[!.]* ..?*; do
    case $entry in
      lost+found | .git | .moving | .cloning | '*' | '.[!.]*' | '..?*') continue ;;
      .local | .config | .cache | .npm | .bun | .ssh | .gitconfig | .bash_history) target=home ;;
      *) target=project ;;
    esac
    if is_tracked "$entry"; then target=project; fi
    mv "$entry" .moving/$target/
  done
  if [ -e .git ]; then mv .git .moving/project/; fi
  if ! is_empty .moving/project; then mv .moving/project project; fi
  mv .moving/home .home
  rm -rf .moving
fi

write_config 2> /dev/null

if ! is_empty project; then leave kept; fi
rm -rf .cloning
if [ -z "$REPO_URL" ]; then
  git init --quiet .cloning 2> $output || fail_git $?
  result=created
else
  clone
  result=cloned
  # The default branch of the server may not exist, for example because it was renamed.
  if ! has_commit .cloning; then
    branch=\`choose_branch\`
    if [ -n "$branch" ]; then rm -rf .cloning; clone --branch "$branch"; fi
  fi
  # git takes a web page for an empty repository of the old protocol. Only a git server answers in packets.
  if is_web_url && ! has_commit .cloning && ! answers_in_packets; then
    echo 'The address answers, but not as a git server.' > $output
    fail no-repository
  fi
fi
add_first_commit .cloning 2> $output || fail other
if [ -e project ]; then rmdir project 2> $output || fail other; fi
mv .cloning project 2> $output || fail other
leave $result
`
  .replaceAll('\\$', '$')
  .replaceAll('\\`', '`');
