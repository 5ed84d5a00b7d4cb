/** Runs the real OpenCode, which `.ci/run` or `npm run opencode:fetch` installs. */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { findFreePort } from '../../src/embedded/process/free-port.ts';

const program = resolve(import.meta.dirname, '../../.cache/opencode/node_modules/.bin/opencode');

export const hasOpenCode = existsSync(program);

/** Starts it on loopback with this password and an empty home folder. */
export async function startOpenCode(password: string) {
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
