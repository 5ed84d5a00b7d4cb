/**
 * Runs a container as a plain process: with the rights of this process, and with all files of this machine. There are no mounts,
 * so every path below a mount is replaced by the path on the host.
 */

import type { ImagePrograms } from './container-image.ts';
import { terminationPath, type Launch, type Launcher, type Mount, type ResolvedContainer } from './launcher.ts';
import { containerMarker } from './leftover-processes.ts';

/**
 * The shell between this process and the program. It reads from a pipe of this process, so it notices every end of this process,
 * also kill -9. Then, and when the program has ended, it ends every process of the run. By the marker it finds also those that
 * have left the session of the program.
 */
const guardian = `
id=$1; shift
exec 4<&0
setsid env ${containerMarker}="$id" "$@" 3>&- 4<&- </dev/null &
program=$!
echo "$program" >&3
exec 3>&-
end_all() {
  kill -9 -- "-$program"
  for file in $(grep -lzx "${containerMarker}=$id" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    kill -9 "\${pid%/environ}"
  done
}
{ read -r _ <&4; end_all; } >/dev/null 2>&1 &
watcher=$!
exec 4<&-
wait "$program"
code=$?
{ kill "$watcher"; end_all; } >/dev/null 2>&1
exit "$code"
`;

export function createPlainLauncher(programs: ImagePrograms): Launcher {
  return {
    programs,
    hasGuardian: true,
    run(container) {
      const { args, ...launch } = onHost(container, container.command);
      return { ...launch, file: '/bin/sh', args: ['-c', guardian, 'guardian', container.id, launch.file, ...args] };
    },
    exec: (container, command) => onHost(container, command),
    processOf: (written) => {
      const program = Number(written.trim());
      // The whole session: the program is its leader.
      return program > 0 ? -program : undefined;
    },
  };
}

/** The launch of a command with the paths of the host in place of those of the container. */
export function onHost(container: ResolvedContainer, command: readonly string[]): Launch {
  const toHost = (text: string): string => hostPath(text, container.mounts);
  const [file = '', ...args] = command.map(toHost);
  const env = Object.fromEntries(Object.entries(container.env).map(([name, value]) => [name, toHost(value)]));
  return { file, args, env: { ...folderVariables(toHost), ...env }, cwd: toHost(container.workingDir) };
}

/** The variables by which our programs find what is at a fixed path in their images. */
function folderVariables(toHost: (path: string) => string): Record<string, string> {
  const access = '/var/run/opencode-access';
  const folders = {
    WORKSPACE: '/workspace',
    ACCESS_TOKEN_FILE: `${access}/sidecar`,
    OPENCODE_PASSWORD_FILE: `${access}/opencode`,
    MODEL_CREDENTIAL_FILE: `${access}/models`,
    TERMINATION_MESSAGE: terminationPath,
  };
  const moved = Object.entries(folders).map(([name, path]) => [name, path, toHost(path)] as const);
  return Object.fromEntries(moved.flatMap(([name, path, host]) => (path === host ? [] : [[name, host]])));
}

function hostPath(text: string, mounts: readonly Mount[]): string {
  const mount = mounts.find(({ target }) => text === target || text.startsWith(`${target}/`));
  return mount === undefined ? text : `${mount.source}${text.slice(mount.target.length)}`;
}
