import { expect, test } from 'vitest';

import { createIssuerStore } from './issuer-store.ts';

test('what has expired is not found any more', async () => {
  let now = 1_000_000;
  const sessions = createIssuerStore(() => now)('Session');
  await sessions.upsert('one', { uid: 'u1' }, 60);
  now += 59_999;
  expect(await sessions.find('one')).toEqual({ uid: 'u1' });
  expect(await sessions.findByUid('u1')).toEqual({ uid: 'u1' });
  now += 1;
  expect(await sessions.find('one')).toBeUndefined();
  expect(await sessions.findByUid('u1')).toBeUndefined();
});

test('ending a grant ends what was given by it and nothing else', async () => {
  const store = createIssuerStore(() => 0);
  await store('AuthorizationCode').upsert('code', { grantId: 'g1' }, 60);
  await store('AuthorizationCode').upsert('other', { grantId: 'g2' }, 60);
  await store('AuthorizationCode').revokeByGrantId('g1');
  expect(await store('AuthorizationCode').find('code')).toBeUndefined();
  expect(await store('AuthorizationCode').find('other')).toEqual({ grantId: 'g2' });
});

test('it does not grow without bound: the oldest go first', async () => {
  const sessions = createIssuerStore(() => 0)('Session');
  for (let number = 0; number <= 10_000; number += 1) await sessions.upsert(`session-${number}`, {}, 60);
  expect(await sessions.find('session-0')).toBeUndefined();
  expect(await sessions.find('session-1')).toEqual({});
  expect(await sessions.find('session-10000')).toEqual({});
});
