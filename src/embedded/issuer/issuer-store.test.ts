import { expect, test } from 'vitest';

import { createTestClock } from '../../../tests/support/test-clock.ts';
import { createIssuerStore } from './issuer-store.ts';

test('an expired entry is not found', async () => {
  const clock = createTestClock();
  const sessions = createIssuerStore(clock)('Session');
  await sessions.upsert('one', { uid: 'u1' }, 60);
  clock.advance(59_999);
  expect(await sessions.find('one')).toEqual({ uid: 'u1' });
  expect(await sessions.findByUid('u1')).toEqual({ uid: 'u1' });
  clock.advance(1);
  expect(await sessions.find('one')).toBeUndefined();
  expect(await sessions.findByUid('u1')).toBeUndefined();
});

test('revoking a grant deletes the entries of that grant and no others', async () => {
  const store = createIssuerStore(createTestClock());
  await store('AuthorizationCode').upsert('code', { grantId: 'g1' }, 60);
  await store('AuthorizationCode').upsert('other', { grantId: 'g2' }, 60);
  await store('AuthorizationCode').revokeByGrantId('g1');
  expect(await store('AuthorizationCode').find('code')).toBeUndefined();
  expect(await store('AuthorizationCode').find('other')).toEqual({ grantId: 'g2' });
});

test('the oldest entries are deleted when there are more than ten thousand', async () => {
  const sessions = createIssuerStore(createTestClock())('Session');
  for (let number = 0; number <= 10_000; number += 1) await sessions.upsert(`session-${number}`, {}, 60);
  expect(await sessions.find('session-0')).toBeUndefined();
  expect(await sessions.find('session-1')).toEqual({});
  expect(await sessions.find('session-10000')).toEqual({});
});
