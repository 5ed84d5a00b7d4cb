/** Starts a baseline that is a program of its own, as server and worker are. It prints `port N` when it listens. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface BareProgram {
  pid: number;
  port: number;
  stop(): void;
}

/** @param file in this folder */
export async function startBareProgram(file: string, env: Record<string, string>): Promise<BareProgram> {
  const child = spawn(process.execPath, [join(import.meta.dirname, file)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(/port (\d+)/.exec(line.toString())?.[1]);
  return { pid: child.pid ?? 0, port, stop: () => void child.kill('SIGKILL') };
}
