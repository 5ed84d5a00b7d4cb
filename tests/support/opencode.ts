/** Runs the real OpenCode, which comes with `npm ci` as an optional package. */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findOpenCode } from '../../src/embedded/kubernetes/kubelet/runtime/process/find-opencode.ts';
import { findFreePort } from '../../src/embedded/process/free-port.ts';

const program = findOpenCode(process.env['PATH'] ?? '');

export const hasOpenCode = program !== null;

/** Starts it on loopback with this password and an empty home folder. */
export async function startOpenCode(password: string) {
  if (program === null) throw new Error('There is no OpenCode on this machine. Run npm ci.');
  const home = mkdtempSync(join(tmpdir(), 'opencode-home-'));
  const port = await findFreePort();
  const child = spawn(program, ['serve', '--hostname', '127.0.0.1', '--port', String(port)], {
    cwd: home,
    env: { PATH: process.env['PATH'], HOME: home, OPENCODE_SERVER_PASSWORD: password },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((started, failed) => {
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('listening on')) started();
    });
    child.on('exit', (code) => failed(new Error(`OpenCode ended with ${code}: ${said}`)));
  });
  return {
    port,
    async stop() {
      const ended = new Promise((resolveEnded) => {
        child.on('exit', resolveEnded);
      });
      child.kill('SIGTERM');
      await ended;
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
