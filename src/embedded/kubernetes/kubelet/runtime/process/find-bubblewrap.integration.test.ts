import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, test } from 'vitest';

import { findBubblewrap } from './find-bubblewrap.ts';

describe.runIf(existsSync('/usr/bin/apt-get'))('on Debian and Ubuntu without bubblewrap on the path', () => {
  test('it is downloaded from the packages of the system, and kept for the next start', async ({ onTestFinished }) => {
    const cacheDir = await mkdtemp(join(tmpdir(), 'bubblewrap-'));
    onTestFinished(() => rm(cacheDir, { recursive: true, force: true }));
    const lines: string[] = [];
    const log = { info: (line: string) => void lines.push(line), warn: () => undefined };
    const options = { cacheDir, searchPath: join(cacheDir, 'no-programs-here'), log };
    const { path, env } = await findBubblewrap(options);
    const { stdout } = await promisify(execFile)(path, ['--version'], { env });
    expect(stdout).toMatch(/^bubblewrap \d/);
    expect(lines).toEqual([expect.stringContaining('There is no bubblewrap on the path: downloading it')]);
    expect(await findBubblewrap(options)).toEqual({ path, env });
    expect(lines).toHaveLength(1);
  }, 120_000);
});
