/** OpenCode's part in the work of git, without OpenCode: it starts programs in its container, and reads files. The container is this machine. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export function folderAsContainer(project: string) {
  const running = new Map<string, Promise<unknown>>();
  return {
    readWorkingFolder: () => Promise.resolve(project),
    startCommand({ command, args }: { command: string; args: string[] }) {
      const child = spawn(command, args, { cwd: '/', stdio: 'ignore' });
      const id = String(child.pid);
      running.set(id, once(child, 'exit'));
      return Promise.resolve(id);
    },
    async isCommandRunning(id: string) {
      await running.get(id);
      return false;
    },
    readFile({ folder, path }: { folder: string; path: string }) {
      const file = join(folder, path);
      return Promise.resolve(existsSync(file) ? readFileSync(file, 'utf8').trim() : null);
    },
  };
}
