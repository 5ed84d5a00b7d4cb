import { describe, expect, it } from 'vitest';

import { formatUserCode, readUserCode, startDeviceLoginInputSchema, toDeviceName } from './device-login.ts';

describe('a user code', () => {
  it.each(['BCDF-GHJK', 'bcdfghjk', ' BCDF GHJK ', 'B-C-D-F-G-H-J-K'])('may be typed as %s', (typed) => {
    expect(readUserCode(typed)).toBe('BCDFGHJK');
  });

  it.each(['', 'BCDF-GHJ', 'BCDF-GHJKL', 'BCDF-GHJA', 'BCDF-GHJ0', 'BCDF_GHJK', 'ßBCDFGHJ'])('is not %j', (typed) => {
    expect(readUserCode(typed)).toBeNull();
  });

  it('is shown in two parts', () => {
    expect(formatUserCode('BCDFGHJK')).toBe('BCDF-GHJK');
  });
});

describe('the name of a computer', () => {
  it.each([
    ['build-7.example.com', 'build-7.example.com'],
    ["Anna's Laptop", 'Anna-s-Laptop'],
    ['..hidden', 'hidden'],
    ['\u202egnp.exe', 'gnp.exe'],
    ['\ud800', 'computer'],
    ['', 'computer'],
    ['𝟘'.repeat(100), '𝟘'.repeat(40)],
  ])('%j is sent as %s', (hostname, name) => {
    expect(toDeviceName(hostname)).toBe(name);
    expect(startDeviceLoginInputSchema.parse({ name })).toEqual({ name });
  });

  it.each(['Your laptop (verified)', 'a\u202eb', '-a', '', 'x'.repeat(81)])('%j is refused', (name) => {
    expect(startDeviceLoginInputSchema.safeParse({ name }).success).toBe(false);
  });
});
