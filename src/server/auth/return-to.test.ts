import { describe, expect, it } from 'vitest';

import { safeReturnTo } from './return-to.ts';

describe('the way back after sign-in', () => {
  it.each(['/', '/projects', '/projects/1?tab=files#top', '/a%2Fb'])('keeps the local path %s', (path) => {
    expect(safeReturnTo(path)).toBe(path);
  });

  it.each([
    undefined,
    '',
    'projects',
    'https://evil.test/',
    '//evil.test',
    '///evil.test',
    '/\\evil.test',
    '/\t/evil.test',
    '/\n/evil.test',
    '/.//evil.test',
    '/a/..//evil.test',
    'javascript:alert(1)',
    '/auth/login',
    '/auth/logout',
    `/${'a'.repeat(3_000)}`,
  ])('goes to the start page instead of %j', (path) => {
    expect(safeReturnTo(path)).toBe('/');
  });
});
