import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { startGuardedProcess } from './guarded-process.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guarded-process-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const startShell = (script: string) =>
  startGuardedProcess({
    command: '/bin/sh',
    args: ['-c', script],
    env: process.env,
    user: null,
    stopSignal: 'TERM',
    urgentSignal: 'SIGKILL',
    stopTimeoutMs: 1_000,
    logFile: join(folder, 'log'),
  });

it('reports the output and the exit code of a program that ends at once', async () => {
  for (let round = 0; round < 20; round += 1) {
    const marker = join(folder, `ended-${round}`);
    const starting = startShell(`echo the port is taken; touch ${marker}; exit 7`);
    // This process is busy until the program ends, so that it learns of the start and of the end together.
    execFileSync('/bin/sh', ['-c', `while [ ! -e ${marker} ]; do :; done`]);
    const program = await starting;
    expect(await program.exited).toBe(7);
    expect(program.output()).toBe('the port is taken');
  }
});
