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

test('a claim excludes a second one until it is given up, and leaves nothing behind', () => {
  const release = claimFolder(folder, 'redis');
  expect(() => claimFolder(folder, 'redis')).toThrow(`The redis data in ${folder} is in use by this very process.`);
  claimFolder(folder, 'postgres')();
  release();
  claimFolder(folder, 'redis')();
  expect(readdirSync(folder)).toEqual([]);
});

test('a folder that cannot be made is refused in words', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => claimFolder(join(folder, 'file', 'below'), 'redis')).toThrow(/cannot be written to\. Make it writable/);
});

test('a claim of a process that ended is replaced, also when its process id belongs to another process now', () => {
  const left = { pid: process.pid, start: 'long before this process' };
  for (const text of [JSON.stringify(left), '{"pid":', '']) {
    writeFileSync(join(folder, 'redis.lock'), text);
    claimFolder(folder, 'redis')();
    expect(readdirSync(folder)).toEqual([]);
  }
});
