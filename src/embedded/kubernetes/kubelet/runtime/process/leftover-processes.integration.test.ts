import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { isAlive } from '../../../../process/process-info.ts';
import { containerMarker, endLeftovers, ownerOf } from './leftover-processes.ts';

describe.runIf(existsSync('/proc/self/environ'))('the processes that an earlier run has left', () => {
  it('are ended, and those of other data folders are not', async ({ onTestFinished }) => {
    const start = async (dataDir: string) => {
      const env = { PATH: process.env['PATH'], [containerMarker]: `${ownerOf(dataDir)}/uid/main/0` };
      const child = spawn('/bin/sh', ['-c', 'echo runs; exec sleep 600'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      await once(child.stdout, 'data');
      return child;
    };
    const [mine, other] = [await start('/data/mine'), await start('/data/other')];
    const ended = once(mine, 'exit');
    expect(endLeftovers('/data/mine')).toBe(1);
    await ended;
    expect(isAlive(other.pid ?? 0)).toBe(true);
  });
});
