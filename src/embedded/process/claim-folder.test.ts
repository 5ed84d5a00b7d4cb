import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { claimFolder } from './claim-folder.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'claim-folder-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

test('a second claim of a folder is refused until the first is released, and no file is left', () => {
  const release = claimFolder(folder, 'redis');
  expect(() => claimFolder(folder, 'redis')).toThrow(`The redis data in ${folder} is in use by this process.`);
  claimFolder(folder, 'postgres')();
  release();
  claimFolder(folder, 'redis')();
  expect(readdirSync(folder)).toEqual([]);
});

test('a folder that cannot be created is refused with a message that says what to do', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => claimFolder(join(folder, 'file', 'below'), 'redis')).toThrow(/cannot be written to\. Make it writable/);
});

test('the claim of a process that has ended is replaced, even if another process now has its id', () => {
  const leftover = { pid: process.pid, start: 'long before this process' };
  for (const text of [JSON.stringify(leftover), '{"pid":', '']) {
    writeFileSync(join(folder, 'redis.lock'), text);
    claimFolder(folder, 'redis')();
    expect(readdirSync(folder)).toEqual([]);
  }
});
