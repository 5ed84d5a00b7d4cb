/**
 * Runs a container in a sandbox of bubblewrap. The sandbox has namespaces of its own for processes, users, host name and shared
 * memory, and the network of the host. Its files are an allow-list: the programs and libraries of the system, some files of
 * `/etc`, the programs of the image, and the volumes of the container. So the home of the developer, the data folder, other
 * projects, and sockets of the host such as that of Docker do not exist in it.
 */

import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

import type { ImagePrograms } from './container-image.ts';
import type { Bubblewrap } from './find-bubblewrap.ts';
import type { Launch, Launcher, Mount, ResolvedContainer } from './launcher.ts';
import { containerMarker } from './leftover-processes.ts';

/** Folders with programs and libraries. The last two are those of NixOS and Guix. */
const systemFolders = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/opt',
  '/nix/store',
  '/gnu/store',
];

/** What programs read in `/etc`. Nothing here is secret. */
const systemSettings = [
  'alternatives',
  'bash.bashrc',
  'ca-certificates',
  'ca-certificates.conf',
  'crypto-policies',
  'gai.conf',
  'gitconfig',
  'host.conf',
  'hosts',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'magic',
  'mime.types',
  'nsswitch.conf',
  'pki/ca-trust',
  'pki/tls/certs',
  'profile',
  'protocols',
  'resolv.conf',
  'services',
  'ssl/certs',
  'ssl/openssl.cnf',
  'terminfo',
];

const userId = '1000';
const image = '/image';

interface SandboxHost {
  bubblewrap: Bubblewrap;
  /** The programs on this machine. */
  programs: ImagePrograms;
  /** Files that replace those of `/etc`, because the user of the sandbox is not in them. */
  passwdFile: string;
  groupFile: string;
  /** Folders that must stay hidden although they lie in a folder of the system. */
  hidden: readonly string[];
}

export const passwdText = `root:x:0:0:root:/root:/bin/sh\nopencode:x:${userId}:${userId}::/workspace/.home:/bin/sh\n`;
export const groupText = `root:x:0:\nopencode:x:${userId}:\n`;

export function createSandboxLauncher(host: SandboxHost): Launcher {
  const { bubblewrap, programs, hidden } = host;
  const system = [...systemArguments(hidden), ...settingsArguments(host)];

  function launch(container: ResolvedContainer, command: readonly string[], first: string[]): Launch {
    return {
      file: bubblewrap.path,
      args: [
        ...first,
        ...sandboxArguments(container, { system, image: imageMounts(container, programs) }),
        ...ownVariables(container, { ...bubblewrap.env, [containerMarker]: container.id }),
        '--',
        ...command,
      ],
      // The variables are not arguments: every user of the machine can read the arguments of a process.
      env: { ...container.env, ...bubblewrap.env, [containerMarker]: container.id },
      cwd: '/',
    };
  }

  return {
    programs: { opencode: `${image}/bin/opencode`, node: `${image}/bin/node`, root: image },
    hasGuardian: false,
    run: (container) => launch(container, container.command, ['--json-status-fd', '3']),
    exec: (container, command) => launch(container, command, []),
    processOf(written) {
      const first = /"child-pid": (\d+)/.exec(written)?.[1];
      return first === undefined ? undefined : onlyChildOf(first);
    },
  };
}

/** Namespaces of its own for everything but the network, no capabilities, no terminal, and an end with this process. */
const isolation = [
  '--unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try',
  `--uid ${userId} --gid ${userId} --cap-drop ALL --die-with-parent --new-session`,
].flatMap((line) => line.split(' '));

const emptyFolders =
  '--dev /dev --proc /proc --tmpfs /tmp --tmpfs /run --tmpfs /var/tmp --symlink ../run /var/run'.split(' ');

/** The arguments of bubblewrap for a container. Later ones cover earlier ones. */
export function sandboxArguments(
  container: ResolvedContainer,
  { system, image: programs }: { system: readonly string[]; image: readonly Mount[] },
): string[] {
  return [
    isolation,
    ['--hostname', container.hostname],
    system,
    emptyFolders,
    ...[...programs, ...container.mounts].map(mountArguments),
    ['--remount-ro', '/', '--chdir', container.workingDir],
  ].flat();
}

/** A folder below `/var/run` is mounted below `/run`, because a mount does not follow the link. */
const mountArguments = ({ source, target, isReadOnly }: Mount): string[] => [
  isReadOnly ? '--ro-bind' : '--bind',
  source,
  target.replace(/^\/var\/run(?=\/)/, '/run'),
];

function imageMounts({ family }: ResolvedContainer, { opencode, node, root }: ImagePrograms): Mount[] {
  const files =
    family === 'opencode'
      ? [{ source: opencode, target: 'bin/opencode' }]
      : ['src', 'node_modules', 'package.json'].map((name) => ({ source: join(root, name), target: name }));
  return [...files, { source: node, target: 'bin/node' }]
    .filter(({ source }) => existsSync(source))
    .map(({ source, target }) => ({ source: realpathSync(source), target: `${image}/${target}`, isReadOnly: true }));
}

/** The folders of the system. A link such as `/bin` stays a link. */
function systemArguments(hidden: readonly string[]): string[] {
  const present = systemFolders.filter((folder) => existsSync(folder));
  const mounts = present.flatMap((folder) =>
    lstatSync(folder).isSymbolicLink() ? ['--symlink', readlinkSync(folder), folder] : ['--ro-bind', folder, folder],
  );
  const covered = hidden.filter((folder) => present.some((parent) => folder.startsWith(`${parent}/`)));
  return [...mounts, ...covered.flatMap((folder) => ['--tmpfs', folder])];
}

function settingsArguments({ passwdFile, groupFile }: SandboxHost): string[] {
  const present = systemSettings.map((name) => `/etc/${name}`).filter((path) => existsSync(path));
  const users = ['--ro-bind', passwdFile, '/etc/passwd', '--ro-bind', groupFile, '/etc/group'];
  return [...present.flatMap((path) => ['--ro-bind', realpathSync(path), path]), ...users];
}

/** What only bubblewrap needs is not for the container: the place of its libraries, and the marker of its process. */
function ownVariables({ env }: ResolvedContainer, hidden: Record<string, string>): string[] {
  return Object.keys(hidden).flatMap((name) => {
    const own = env[name];
    return own === undefined ? ['--unsetenv', name] : ['--setenv', name, own];
  });
}

/**
 * The first process of a sandbox is bubblewrap's own, which only waits. Its child is the program of the container.
 * bubblewrap itself does not pass signals on.
 */
function onlyChildOf(pid: string): number | undefined {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return Number(children[0]) || undefined;
  } catch {
    return scanForChildOf(pid);
  }
}

/** For kernels without the list of children. */
function scanForChildOf(pid: string): number | undefined {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      if (stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === pid) return Number(entry);
    } catch {
      // The process has ended.
    }
  }
  return undefined;
}
