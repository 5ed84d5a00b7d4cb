/** A supervisor that ends npm ends the whole system. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

import { expect, it } from 'vitest';

import { findFreePort } from '../../src/embedded/process/free-port.ts';
import { isAlive } from '../../src/embedded/process/process-info.ts';
import { descendantsOf } from '../support/process-pods.ts';
import { createDataDir } from '../support/started-system.ts';

it('SIGTERM to npm start leaves no process', { timeout: 90_000 }, async ({ onTestFinished }) => {
  const { dataDir, remove } = createDataDir();
  const env = { ...process.env, PORT: String(await findFreePort()), DATA_DIR: dataDir, EMBEDDED_RUNTIME: 'simulated' };
  const npm = spawn('npm', ['start'], { cwd: resolve(import.meta.dirname, '../..'), env, detached: true });
  const pid = npm.pid ?? 0;
  let output = '';
  npm.stdout.on('data', (data: Buffer) => (output += data.toString()));
  await expect.poll(() => output, { timeout: 60_000 }).toContain(`http://localhost:${env.PORT}`);
  const started = descendantsOf(pid);
  onTestFinished(() => {
    for (const each of started.filter((one) => isAlive(one.pid))) process.kill(each.pid, 'SIGKILL');
    remove();
  });
  expect(started.length).toBeGreaterThan(3);
  npm.kill('SIGTERM');
  await once(npm, 'exit');
  await expect.poll(() => started.filter((each) => isAlive(each.pid)), { timeout: 15_000 }).toEqual([]);
});
