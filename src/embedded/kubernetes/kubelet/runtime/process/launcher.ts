/** How a container becomes a process: the two launchers `sandbox` and `plain` answer the same questions. */

import type { ImageFamily, ImagePrograms } from './container-image.ts';

/** A folder or file of the host that a container has at another path. */
export interface Mount {
  source: string;
  target: string;
  isReadOnly: boolean;
}

/** A container of a pod, with everything looked up that it needs. All paths are those that the container sees. */
export interface ResolvedContainer {
  /** Unique for each run. */
  id: string;
  family: ImageFamily;
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  workingDir: string;
  hostname: string;
  mounts: readonly Mount[];
}

/** A program to start on this machine. */
export interface Launch {
  file: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
}

export interface Launcher {
  /** Where a container finds the programs of the images. */
  programs: ImagePrograms;
  /** The first process reads its standard input, and ends all processes of the run when that is closed. */
  hasGuardian: boolean;
  /** The launch of a container, which ends with this process. It writes the id of its process to descriptor 3. */
  run(container: ResolvedContainer): Launch;
  /** The launch of one more command beside a running container, as for a probe. */
  exec(container: ResolvedContainer, command: readonly string[]): Launch;
  /** The process that gets the signals of the container, by what was written to descriptor 3; undefined when there is none yet. */
  processOf(written: string): number | undefined;
}

/** The variable by which a program knows the file for its last message, where it is not `/dev/termination-log`. */
export const terminationPath = '/dev/termination-log';
