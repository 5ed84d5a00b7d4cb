import { describe, expect, it } from 'vitest';

import { safeReturnTo, signInPath } from './sign-in-path.ts';

describe('the way back after sign-in', () => {
  it('keeps a path of this site with its query', () => {
    expect(safeReturnTo('/projects/7?tab=files')).toBe('/projects/7?tab=files');
  });

  it.each(['//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:alert(1)', '', null, '/a\nb'])(
    'never leads to another site: %j',
    (text) => {
      expect(safeReturnTo(text)).toBe('/projects');
    },
  );

  it('never leads back to the sign-in page itself', () => {
    expect(safeReturnTo('/sign-in?reason=ended')).toBe('/projects');
  });

  it('survives the address of the sign-in page', () => {
    const path = signInPath({ returnTo: '/projects/7?new=&q=a b', reason: 'ended' });
    expect(safeReturnTo(new URL(path, 'http://host').searchParams.get('returnTo'))).toBe('/projects/7?new=&q=a b');
  });
});
