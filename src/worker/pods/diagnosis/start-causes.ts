/**
 * Why the container runtime could not create or start a container. The kubelet passes its text on in `CreateContainerError`,
 * `RunContainerError` and `StartError`. The rules read it without names, in this order; the first that matches counts.
 */

import type { Actor } from '../../../shared/contract/diagnosis.ts';
import type { ReasonCode } from '../../../shared/contract/reasons.ts';

export interface StartCause {
  reason: ReasonCode;
  /** Follows "The container … ". `{}` is the path, command or user that the text names. */
  what: string;
  toDo: string;
  actor?: Actor;
  /** Finds the name for `{}` in the text. */
  name?: RegExp;
}

const raiseMemory = 'An administrator must raise its memory limit.';
const correctCommand = 'An administrator must correct its image or its command.';
const checkNode = 'An administrator must check the node.';

const rules: readonly (readonly [RegExp, StartCause])[] = [
  // runc `libcontainer/process_linux.go` and `cgroups/fs2/memory.go`, CRI-O `VerifyMemoryIsEnough`.
  [
    /\bOOM[- ]?killed|unable to set memory limit|memory limit \S* ?too low|memory limit too low|minimum memory limit|cannot allocate memory/i,
    {
      reason: 'out-of-memory',
      what: 'could not start: its memory limit is too low even to begin',
      toDo: raiseMemory,
      actor: 'administrator',
    },
  ],
  // The kernel's control groups have a limit of their own; it answers ENOSPC too.
  [
    /cgroup.*no space left/i,
    {
      reason: 'create-container-error',
      what: 'could not start: its node (machine) cannot keep account of more containers (control groups)',
      toDo: 'An administrator must restart or update the node.',
    },
  ],
  // ENOSPC of the node.
  [
    /no space left on device|disk quota exceeded/i,
    {
      reason: 'node-disk-full',
      what: 'could not start: the disk of its node (machine) is full',
      toDo: 'An administrator must make room on the node.',
    },
  ],
  // ENOEXEC: a program for another processor, or a script without its first line.
  [
    /exec format error/i,
    {
      reason: 'image-wrong-platform',
      what: 'could not start: its program is built for another processor than that of its node (machine)',
      toDo: 'An administrator must use an image that has a build for this processor.',
    },
  ],
  // hcsshim `internal/hcs/errors.go`: HCS_E_IMAGE_MISMATCH, on Windows nodes.
  [
    /operating system does not match the host operating system/i,
    {
      reason: 'image-wrong-platform',
      what: 'could not start: its image is built for another operating system, or for another version of it, than that of its node (machine)',
      toDo: 'An administrator must use an image that has a build for this operating system, or choose other nodes.',
    },
  ],
  // runc `libcontainer/user`, containerd `oci/spec_opts.go`, CRI-O.
  [
    /no users? found|unable to find (?:user|group)|no matching entries in (?:passwd|group)|no such user|uid .* not found/i,
    {
      reason: 'image-user',
      what: 'could not start: the user that it must run as does not exist in its image',
      toDo: 'An administrator must correct the user in the settings or in the image.',
    },
  ],
  // runc `libcontainer/init_linux.go`: `chdir to cwd`.
  [
    /chdir to cwd|mkdir .*cwd|working directory/i,
    {
      reason: 'start-error',
      what: 'could not start: its working folder{} does not exist or may not be used',
      toDo: 'An administrator must correct its image or its working folder.',
      name: /cwd \(?\\?["']([^"'\\]+)/,
    },
  ],
  // containerd `oci.WithProcessArgs`, CRI-O `server/container_create`.
  [
    /no command specified|no command or entrypoint/i,
    {
      reason: 'start-error',
      what: 'could not start: neither its image nor the settings name a command',
      toDo: correctCommand,
    },
  ],
  // `cri-api/pkg/errors`: a volume that is an image.
  [
    /ImageVolumeMountFailed/,
    {
      reason: 'create-container-error',
      what: 'could not start: the image of a volume could not be mounted into it',
      toDo: 'An administrator must check the image of the volume and the node.',
    },
  ],
  // EISDIR and ENOTDIR of a bind mount, and containerd `oci/spec_opts.go` (`WithMounts`).
  [
    /mount a directory onto a file|error mounting|mount.* not a directory|is mounted on .* not a shared|failed to (?:mkdir|stat)\b/i,
    {
      reason: 'create-container-error',
      what: 'could not start: a file or folder could not be mounted into it',
      toDo: 'An administrator must check the volumes and the settings of the pod.',
    },
  ],
  // Linux security modules and seccomp: the profile is a file of the node.
  [
    /seccomp/i,
    {
      reason: 'create-container-error',
      what: 'could not be created on its node: the node (machine) does not have its seccomp profile, or cannot load it',
      toDo: 'An administrator must put the profile on the node, or change the settings of the pod.',
    },
  ],
  [
    /apparmor/i,
    {
      reason: 'create-container-error',
      what: 'could not be created on its node: the node (machine) does not have its AppArmor profile, or cannot load it',
      toDo: 'An administrator must put the profile on the node, or change the settings of the pod.',
    },
  ],
  // The container device interface and the hooks of device vendors.
  [
    /\bCDI\b|device driver|nvidia|running (?:prestart )?hook|gathering device information|no such device|unhealthy devices/i,
    {
      reason: 'create-container-error',
      what: 'could not be created: its node (machine) does not offer a device that it needs',
      toDo: checkNode,
    },
  ],
  // containerd and CRI-O keep the name until the first, slow attempt has ended.
  [
    /name .*is reserved|already in use|in use by|already reserved/i,
    {
      reason: 'create-container-error',
      what: 'is not created yet: its node (machine) still works on the first attempt, because it is busy',
      toDo: 'Kubernetes tries again by itself. If this continues, an administrator must check the disk and the load of the node.',
      actor: 'nobody',
    },
  ],
  [
    /deadline exceeded|timed? ?out/i,
    {
      reason: 'create-container-error',
      what: 'is not created yet: its node (machine) did not finish in time',
      toDo: 'Kubernetes tries again by itself. If this continues, an administrator must check the disk and the load of the node.',
    },
  ],
  [
    /resource temporarily unavailable|too many open files|pids? limit|can't start new thread/i,
    {
      reason: 'create-container-error',
      what: 'could not start: its node (machine) has no more room for processes or open files',
      toDo: checkNode,
    },
  ],
  // EROFS and EIO outside the image.
  [
    /input\/output error|structure needs cleaning/i,
    {
      reason: 'create-container-error',
      what: 'could not start: the disk of its node (machine) is damaged',
      toDo: checkNode,
    },
  ],
  // The runtime lost the image after the pull.
  [
    /(?:snapshot|image|layer|rootfs).*(?:not found|does not exist)|missing parent/i,
    {
      reason: 'create-container-error',
      what: 'could not be created: its node (machine) has lost a part of its image',
      toDo: 'An administrator must remove the image from the node, so that it is pulled again.',
    },
  ],
  // containerd `core/runtime/v2/shim_manager.go`: the program is one of the node, not of the image.
  [
    /failed to start shim/i,
    {
      reason: 'create-container-error',
      what: 'could not start: its node (machine) does not have the container runtime that it requires, or cannot run it',
      toDo: checkNode,
    },
  ],
  // runc `libcontainer/standard_init_linux.go`, Go `exec.LookPath`. EACCES before ENOENT: both may name the command.
  [
    /\bexec\b.*(?:permission denied|is a directory)/i,
    {
      reason: 'start-error',
      what: 'could not start: permission denied for its command{}',
      toDo: correctCommand,
      name: /\bexec:? \\?"?([^\s"\\:]+)/,
    },
  ],
  [
    /executable file not found|exec.*no such file or directory|stat .*no such file/i,
    {
      reason: 'start-error',
      what: 'could not start: its command{} does not exist in its image',
      toDo: correctCommand,
      name: /(?:\bexec:? \\?["']?|stat )([^"'\\:\s]+)/,
    },
  ],
  [
    /no such file or directory/i,
    {
      reason: 'start-error',
      what: 'could not start: a file or a folder that it needs does not exist',
      toDo: correctCommand,
    },
  ],
];

/**
 * @param bare the text without names
 * @param text the whole text, for the name of a command or a folder
 */
export function startCauseOf(bare: string, text: string): Omit<StartCause, 'name'> | null {
  const rule = rules.find(([pattern]) => pattern.test(bare))?.[1];
  if (!rule) return null;
  const name = rule.name?.exec(text)?.[1];
  return { ...rule, what: rule.what.replace('{}', name === undefined ? '' : ` ${name}`) };
}
