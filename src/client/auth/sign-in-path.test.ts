import { expect, it } from 'vitest';

import { safeReturnTo } from '../../shared/safe-return-to.ts';
import { signInPath } from './sign-in-path.ts';

it('the sign-in page reads back the path that its address was made from', () => {
  const path = signInPath({ returnTo: '/projects/7?new=&q=a%20b', reason: 'ended' });
  const returnTo = new URL(path, 'http://host').searchParams.get('returnTo');
  expect(safeReturnTo(returnTo, '/projects')).toBe('/projects/7?new=&q=a%20b');
});
