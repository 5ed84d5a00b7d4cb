import { describe, expect, it } from 'vitest';

import { safeReturnTo } from './safe-return-to.ts';

describe('the path that a person returns to after sign-in', () => {
  it.each(['/', '/projects', '/projects/7?tab=files#top', '/projects/7?new=&q=a%20b', '/a%2Fb', '/sign-ins'])(
    'keeps the path %s of this site with its query and fragment',
    (path) => {
      expect(safeReturnTo(path, '/projects')).toBe(path);
    },
  );

  it.each([
    undefined,
    null,
    '',
    'projects',
    'https://evil.test/',
    '//evil.test',
    '///evil.test',
    '/\\evil.test',
    '/\t/evil.test',
    '/\n/evil.test',
    '/a\nb',
    '/.//evil.test',
    '/a/..//evil.test',
    'javascript:alert(1)',
    `/${'a'.repeat(3_000)}`,
  ])('never leads to another site: %j becomes the fallback', (text) => {
    expect(safeReturnTo(text, '/projects')).toBe('/projects');
  });

  it.each(['/auth/login', '/auth/logout', '/sign-in', '/sign-in?reason=ended', '/x/../sign-in'])(
    'never leads back to sign-in: %s becomes the fallback',
    (path) => {
      expect(safeReturnTo(path, '/')).toBe('/');
    },
  );
});
